/** Field blocks in hex, one after the other through one decoder, and the fields that each holds. */
export interface HpackCase {
  readonly name: string;
  readonly blocks: readonly string[];
  /** Per block `name: value` lines, or what is wrong with it. */
  readonly fields: readonly (readonly string[] | string)[];
  /** SETTINGS_HEADER_TABLE_SIZE; else 4096. */
  readonly tableSize?: number;
  /** Bytes of the table at the end. */
  readonly tableBytes?: number;
}

const request1 = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const request2 = [...request1, "cache-control: no-cache"];
const request3 = [
  ":method: GET",
  ":scheme: https",
  ":path: /index.html",
  ":authority: www.example.com",
  "custom-key: custom-value",
];
const response1 = [
  ":status: 302",
  "cache-control: private",
  "date: Mon, 21 Oct 2013 20:13:21 GMT",
  "location: https://www.example.com",
];
const response2 = [":status: 307", ...response1.slice(1)];
const response3 = [
  ":status: 200",
  "cache-control: private",
  "date: Mon, 21 Oct 2013 20:13:22 GMT",
  "location: https://www.example.com",
  "content-encoding: gzip",
  "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
];

/** The examples of RFC 7541, appendix C. */
const examples: readonly HpackCase[] = [
  {
    name: "C.2.1 literal with indexing",
    blocks: ["400a637573746f6d2d6b65790d637573746f6d2d686561646572"],
    fields: [["custom-key: custom-header"]],
    tableBytes: 55,
  },
  {
    name: "C.2.2 literal without indexing",
    blocks: ["040c2f73616d706c652f70617468"],
    fields: [[":path: /sample/path"]],
    tableBytes: 0,
  },
  {
    name: "C.2.3 literal never indexed",
    blocks: ["100870617373776f726406736563726574"],
    fields: [["password: secret"]],
    tableBytes: 0,
  },
  { name: "C.2.4 indexed", blocks: ["82"], fields: [[":method: GET"]], tableBytes: 0 },
  {
    name: "C.3 requests without Huffman codes",
    blocks: [
      "828684410f7777772e6578616d706c652e636f6d",
      "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ],
    fields: [request1, request2, request3],
    tableBytes: 164,
  },
  {
    name: "C.4 requests with Huffman codes",
    blocks: [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff",
      "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ],
    fields: [request1, request2, request3],
    tableBytes: 164,
  },
  {
    name: "C.5 responses without Huffman codes",
    tableSize: 256,
    blocks: [
      "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
      "4803333037c1c0bf",
      "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
    ],
    fields: [response1, response2, response3],
    tableBytes: 215,
  },
  {
    name: "C.6 responses with Huffman codes",
    tableSize: 256,
    blocks: [
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
      "4883640effc1c0bf",
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ],
    fields: [response1, response2, response3],
    tableBytes: 215,
  },
];

const ok = (name: string, block: string, ...fields: readonly string[]): HpackCase => ({
  name,
  blocks: [block],
  fields: [fields],
});
const wrong = (name: string, block: string, reason: string): HpackCase => ({
  name,
  blocks: [block],
  fields: [reason],
});

const integers: readonly HpackCase[] = [
  wrong("index 0", "80", "index of no field"),
  ok("the last static index", "bd", "www-authenticate: "),
  wrong("an index beyond an empty table", "be", "index of no field"),
  wrong("a name's index beyond an empty table", "7e0161", "index of no name"),
  wrong("a literal's index beyond an empty table", "0f2f0161", "index of no name"),
  ok("an integer of two bytes", "0f000161", "accept-charset: a"),
  ok("an integer with zeros behind", "0f808080000161", "accept-charset: a"),
  wrong("an integer with too many zeros behind", "0f80808080000161", "integer too large"),
  wrong("an integer of 32 bits", "ffffffffff0f", "integer too large"),
  wrong("an integer without end", "ffffffffffffffffffffffff", "integer too large"),
  wrong("an integer that is cut", "ff", "block ends within an integer"),
  wrong("an integer that is cut later", "ff8080", "block ends within an integer"),
  wrong("a length that overflows", "007fffffffff7f", "integer too large"),
];

const strings: readonly HpackCase[] = [
  ok("an empty name and value", "000000", ": "),
  ok("an empty value in Huffman codes", "00016180", "a: "),
  ok("bytes above 127", "000161 02e4ff", "a: \xe4\xff"),
  ok("upper case, which is no matter of HPACK", "000141 0142", "A: B"),
  wrong("a name that is missing", "00", "block ends within a field"),
  wrong("a name that is cut", "00056162", "block ends within a string"),
  wrong("a value that is missing", "000161", "block ends within a field"),
  wrong("a value that is cut", "0001610261", "block ends within a string"),
  wrong("a value far beyond the block", "0001617fe10f61", "block ends within a string"),
  ok("Huffman codes without padding", "0001618825a849e95ba97d7f", "a: custom-key"),
  ok("Huffman codes with seven bits of padding", "00016182fe3f", "a: !"),
  wrong("Huffman padding of a whole byte", "0001618325ffff", "wrong Huffman code"),
  wrong("Huffman padding of zeros", "0001618118", "wrong Huffman code"),
  wrong("Huffman padding of eight ones", "00016181ff", "wrong Huffman code"),
  wrong("Huffman codes with the end of a string", "00016184ffffffff", "wrong Huffman code"),
  wrong("Huffman codes with the end of a string between", "00016185ffffffff1f", "wrong Huffman code"),
  wrong("Huffman codes that are cut", "00016182fffe", "wrong Huffman code"),
];

const tables: readonly HpackCase[] = [
  { name: "a smaller table", blocks: ["3fe11f", "20"], fields: [[], []], tableBytes: 0 },
  {
    name: "a table of 0 drops what it held",
    blocks: ["40016101 62", "be", "20", "be"],
    fields: [["a: b"], ["a: b"], [], "index of no field"],
    tableBytes: 0,
  },
  {
    name: "a table of 0 and 4096 again",
    blocks: ["40016101 62", "203fe11f", "400163 0164", "be"],
    fields: [["a: b"], [], ["c: d"], ["c: d"]],
    tableBytes: 34,
  },
  {
    name: "a table with room for one",
    blocks: ["3f05 4001610162 4001630164", "be", "bf"],
    fields: [["a: b", "c: d"], ["c: d"], "index of no field"],
  },
  {
    name: "an entry larger than the table empties it",
    tableSize: 64,
    blocks: ["4001610162", "40016120 6161616161616161616161616161616161616161616161616161616161616161", "be"],
    fields: [["a: b"], [`a: ${"a".repeat(32)}`], "index of no field"],
    tableBytes: 0,
  },
  {
    name: "a name taken from the entry that has to make room for it",
    tableSize: 64,
    blocks: ["4001610162", "7e0163", "be"],
    fields: [["a: b"], ["a: c"], ["a: c"]],
    tableBytes: 34,
  },
  {
    name: "a table above the limit",
    blocks: ["3fe21f"],
    fields: ["table size above the limit"],
  },
  { name: "a table size after a field", blocks: ["8220"], fields: ["table size update out of place"] },
  { name: "a table size three times", blocks: ["202020"], fields: ["table size update out of place"] },
  { name: "a table size twice", blocks: ["203fe11f82"], fields: [[":method: GET"]] },
  { name: "a table size that is cut", blocks: ["3f"], fields: ["block ends within an integer"] },
  { name: "an empty block", blocks: [""], fields: [[]] },
];

/** Field blocks, good and bad: the examples of RFC 7541, appendix C, and what could be wrong with one. */
export const hpackCases: readonly HpackCase[] = [...examples, ...integers, ...strings, ...tables];
