// The yardstick: a single-threaded echo server on epoll, as a careful C programmer writes it.
//
//     epoll_echo [PORT]        0, the default, takes a free port; prints "listening on PORT"
//
// Sockets are non-blocking and watched level-triggered for input, armed once. A readiness event
// costs one recv into a buffer shared by all connections and one send. Only when the peer does not
// take its reply does a connection own memory for bytes: the rest is copied, reading stops, and
// EPOLLOUT says when to go on. So a slow reader is slowed down, never queued without bound.

#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

enum { kBufferSize = 64 * 1024, kEventsPerWait = 1024 };

struct connection {
  int fd;
  char* pending;  // bytes received and not yet sent back, or NULL
  size_t offset;  // how much of `pending` is sent
  size_t length;
};

static int epoll_fd;
static int listener;
static bool accepting = true;
static char buffer[kBufferSize];

static void watch(int operation, int fd, uint32_t events, void* owner) {
  struct epoll_event event = {.events = events, .data.ptr = owner};
  if (epoll_ctl(epoll_fd, operation, fd, &event) < 0) die("epoll_ctl");
}

// The listener's events carry no owner.
static void set_accepting(bool on) {
  accepting = on;
  watch(EPOLL_CTL_MOD, listener, on ? EPOLLIN : 0, NULL);
}

static void drop(struct connection* connection) {
  close(connection->fd);
  free(connection->pending);
  free(connection);
  if (!accepting) set_accepting(true);
}

static void accept_all(void) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      // Out of descriptors or memory: level-triggered readiness would spin until a connection ends.
      perror("accept4");
      set_accepting(false);
      return;
    }
    struct connection* connection = calloc(1, sizeof *connection);
    if (connection == NULL) die("calloc");
    connection->fd = fd;
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, connection);
  }
}

// What was sent, 0 when the socket is full, -1 when the connection is lost.
static ssize_t send_some(int fd, const char* bytes, size_t length) {
  ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

static void on_readable(struct connection* connection) {
  ssize_t received = recv(connection->fd, buffer, sizeof buffer, 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (received <= 0) {
    drop(connection);
    return;
  }
  ssize_t sent = send_some(connection->fd, buffer, (size_t)received);
  if (sent == received) return;
  if (sent < 0) {
    drop(connection);
    return;
  }
  connection->offset = 0;
  connection->length = (size_t)(received - sent);
  connection->pending = malloc(connection->length);
  if (connection->pending == NULL) die("malloc");
  memcpy(connection->pending, buffer + sent, connection->length);
  watch(EPOLL_CTL_MOD, connection->fd, EPOLLOUT, connection);
}

static void on_writable(struct connection* connection) {
  ssize_t sent = send_some(connection->fd, connection->pending + connection->offset,
                           connection->length - connection->offset);
  if (sent < 0) {
    drop(connection);
    return;
  }
  connection->offset += (size_t)sent;
  if (connection->offset < connection->length) return;
  free(connection->pending);
  connection->pending = NULL;
  watch(EPOLL_CTL_MOD, connection->fd, EPOLLIN, connection);
}

int main(int argc, char** argv) {
  allow_many_descriptors();
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) die("epoll_create1");
  listener = listen_on(argc > 1 ? (uint16_t)atoi(argv[1]) : 0);
  watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);

  static struct epoll_event events[kEventsPerWait];
  for (;;) {
    int count = epoll_wait(epoll_fd, events, kEventsPerWait, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    // A connection has at most one event in a batch, so dropping it leaves none dangling.
    for (int i = 0; i < count; ++i) {
      struct connection* connection = events[i].data.ptr;
      if (connection == NULL) {
        accept_all();
      } else if (connection->pending != NULL) {
        on_writable(connection);
      } else {
        on_readable(connection);
      }
    }
  }
}
