const pageBytes = 4096;
/** ngx_slab_page_t */
const pageHeadBytes = 24;
/** ngx_slab_pool_t, and nine sizes of slots with their counters. */
const poolHeadBytes = 200 + 9 * (24 + 32);

/**
 * How many states of that many bytes (a power of two from 64 to 2048) nginx finds room for in a zone of its
 * `limit_*` modules. Those hold one slot for the tree's root, and one page for the text of log messages.
 */
export function slabStates(zoneBytes: number, stateBytes: number): number {
  const pages = Math.floor((zoneBytes - poolHeadBytes) / (pageBytes + pageHeadBytes));
  return (pages - 1) * Math.floor(pageBytes / stateBytes) - 1;
}
