// The same echo server on plain libuv streams: uv_listen, uv_read_start, uv_try_write.
//
//     libuv_echo [PORT]        0, the default, takes a free port; prints "listening on PORT"
//
// The idiomatic fast path: one read buffer for the loop, the reply tried at once, and a uv_write_t
// only for the rest that the socket did not take. Reading stops until that rest is gone.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <uv.h>

enum { kBufferSize = 64 * 1024, kBacklog = 4096 };

struct rest {
  uv_write_t request;
  char bytes[];
};

static char buffer[kBufferSize];

static void check(int status, const char* what) {
  if (status == 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
  exit(1);
}

static void on_closed(uv_handle_t* handle) { free(handle); }

static void drop(uv_stream_t* stream) {
  if (!uv_is_closing((uv_handle_t*)stream)) uv_close((uv_handle_t*)stream, on_closed);
}

static void on_alloc(uv_handle_t* handle, size_t suggested, uv_buf_t* buf) {
  (void)handle;
  (void)suggested;
  *buf = uv_buf_init(buffer, sizeof buffer);
}

static void on_read(uv_stream_t* stream, ssize_t received, const uv_buf_t* buf);

static void on_written(uv_write_t* request, int status) {
  uv_stream_t* stream = request->handle;
  free(request->data);
  if (status < 0 || uv_read_start(stream, on_alloc, on_read) < 0) drop(stream);
}

static void write_rest(uv_stream_t* stream, const char* bytes, size_t length) {
  struct rest* rest = malloc(sizeof *rest + length);
  if (rest == NULL) abort();
  rest->request.data = rest;
  memcpy(rest->bytes, bytes, length);
  uv_buf_t buf = uv_buf_init(rest->bytes, (unsigned)length);
  if (uv_write(&rest->request, stream, &buf, 1, on_written) < 0) {
    free(rest);
    drop(stream);
    return;
  }
  uv_read_stop(stream);
}

static void on_read(uv_stream_t* stream, ssize_t received, const uv_buf_t* buf) {
  if (received == 0) return;  // EAGAIN
  if (received < 0) {
    drop(stream);
    return;
  }
  uv_buf_t reply = uv_buf_init(buf->base, (unsigned)received);
  int sent = uv_try_write(stream, &reply, 1);
  if (sent == received) return;
  if (sent == UV_EAGAIN) sent = 0;
  if (sent < 0) {
    drop(stream);
    return;
  }
  write_rest(stream, buf->base + sent, (size_t)(received - sent));
}

static void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) {
    fprintf(stderr, "accept: %s\n", uv_strerror(status));
    return;
  }
  uv_tcp_t* peer = malloc(sizeof *peer);
  if (peer == NULL) abort();
  check(uv_tcp_init(listener->loop, peer), "uv_tcp_init");
  if (uv_accept(listener, (uv_stream_t*)peer) < 0 || uv_tcp_nodelay(peer, 1) < 0 ||
      uv_read_start((uv_stream_t*)peer, on_alloc, on_read) < 0) {
    drop((uv_stream_t*)peer);
  }
}

int main(int argc, char** argv) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  signal(SIGPIPE, SIG_IGN);
  uv_loop_t* loop = uv_default_loop();
  uv_tcp_t listener;
  check(uv_tcp_init(loop, &listener), "uv_tcp_init");
  struct sockaddr_in address;
  check(uv_ip4_addr("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0, &address), "uv_ip4_addr");
  check(uv_tcp_bind(&listener, (const struct sockaddr*)&address, 0), "uv_tcp_bind");
  check(uv_listen((uv_stream_t*)&listener, kBacklog, on_connection), "uv_listen");
  int size = sizeof address;
  check(uv_tcp_getsockname(&listener, (struct sockaddr*)&address, &size), "uv_tcp_getsockname");
  printf("listening on %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
