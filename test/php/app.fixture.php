<?php
// A small application: what it gets, a session, an upload, and the ways in which scripts end.
switch ($_SERVER['PATH_INFO'] ?? '') {
    case '/env':
        header('Content-Type: text/plain');
        foreach (['REQUEST_METHOD', 'SCRIPT_NAME', 'PATH_INFO', 'QUERY_STRING', 'HTTP_X_A', 'SERVER_PROTOCOL'] as $name) {
            echo $name, '=', $_SERVER[$name] ?? '(none)', "\n";
        }
        break;
    case '/visit':
        session_start();
        $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
        echo 'visit ', $_SESSION['visits'];
        break;
    case '/upload':
        $file = $_FILES['file'];
        header('Content-Type: text/plain');
        echo $_POST['title'], ' ', $file['name'], ' ', $file['size'], ' ', md5_file($file['tmp_name']);
        break;
    case '/moved':
        header('Location: /elsewhere');
        break;
    case '/missing':
        http_response_code(404);
        echo 'no such page';
        break;
    case '/warning':
        error_log('something is odd');
        echo 'done';
        break;
    case '/large':
        header('Content-Type: application/octet-stream');
        for ($i = 0; $i < 64; $i++) echo str_repeat(chr(97 + $i % 26), 65536);
        break;
    case '/slow':
        header('X-Accel-Buffering: no');
        for ($i = 0; $i < 3; $i++) {
            echo "data: $i\n\n";
            flush();
            usleep(100000);
        }
        break;
    case '/crash':
        // The manager kills what takes longer than its request_terminate_timeout.
        sleep(30);
        break;
    case '/download':
        header('X-Accel-Redirect: /files/note.txt');
        header('Content-Type: text/plain');
        break;
    default:
        echo 'hello from ', $_SERVER['SCRIPT_FILENAME'];
}
