// The yardstick with TLS: epoll_echo, and OpenSSL on its sockets (SSL_set_fd).
//
//     epoll_tls_echo PORT CERTIFICATE KEY        prints "listening on PORT"
//
// One thread, level-triggered epoll armed once for input. OpenSSL reads ahead, so a record costs one
// recv, and releases its buffers, so an idle connection has none. A record that the socket doesn't
// take is offered again from a copy; reading stops until it is gone.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "server.h"

enum { kEventsPerWait = 1024 };

struct connection {
  SSL* ssl;
  char* pending;  // a record's bytes that aren't sent back yet, or NULL
  int length;
  uint32_t watched;
};

static int epoll_fd;
static int listener;
static bool accepting = true;
static SSL_CTX* context;
static char buffer[SSL3_RT_MAX_PLAIN_LENGTH];

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
  int fd = SSL_get_fd(connection->ssl);
  ERR_clear_error();
  SSL_free(connection->ssl);
  close(fd);
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
    connection->ssl = SSL_new(context);
    if (connection->ssl == NULL || !SSL_set_fd(connection->ssl, fd)) die("SSL_new");
    SSL_set_accept_state(connection->ssl);
    connection->watched = EPOLLIN;
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, connection);
  }
}

// After a call of OpenSSL that got no further: waits for what it wants, or ends.
static void wait_or_drop(struct connection* connection, int result) {
  uint32_t wanted = 0;
  switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
      wanted = EPOLLIN;
      break;
    case SSL_ERROR_WANT_WRITE:
      wanted = EPOLLOUT;
      break;
    case SSL_ERROR_ZERO_RETURN:
      SSL_shutdown(connection->ssl);
      drop(connection);
      return;
    default:
      drop(connection);
      return;
  }
  if (wanted == connection->watched) return;
  connection->watched = wanted;
  watch(EPOLL_CTL_MOD, SSL_get_fd(connection->ssl), wanted, connection);
}

static void keep(struct connection* connection, int length) {
  connection->pending = malloc((size_t)length);
  if (connection->pending == NULL) die("malloc");
  memcpy(connection->pending, buffer, (size_t)length);
  connection->length = length;
}

// The first SSL_reads do the handshake.
static void on_ready(struct connection* connection) {
  if (connection->pending != NULL) {
    int sent = SSL_write(connection->ssl, connection->pending, connection->length);
    if (sent <= 0) {
      wait_or_drop(connection, sent);
      return;
    }
    free(connection->pending);
    connection->pending = NULL;
  }
  do {
    int received = SSL_read(connection->ssl, buffer, sizeof buffer);
    if (received <= 0) {
      wait_or_drop(connection, received);
      return;
    }
    int sent = SSL_write(connection->ssl, buffer, received);
    if (sent <= 0) {
      keep(connection, received);
      wait_or_drop(connection, sent);
      return;
    }
  } while (SSL_has_pending(connection->ssl));
  if (connection->watched == EPOLLIN) return;
  connection->watched = EPOLLIN;
  watch(EPOLL_CTL_MOD, SSL_get_fd(connection->ssl), EPOLLIN, connection);
}

static void make_context(const char* certificate, const char* key) {
  context = SSL_CTX_new(TLS_server_method());
  if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    exit(1);
  }
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets: the clients keep them
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: epoll_tls_echo PORT CERTIFICATE KEY\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  allow_many_descriptors();
  make_context(argv[2], argv[3]);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) die("epoll_create1");
  listener = listen_on((uint16_t)atoi(argv[1]));
  watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);

  static struct epoll_event events[kEventsPerWait];
  for (;;) {
    int count = epoll_wait(epoll_fd, events, kEventsPerWait, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    // A connection has at most one event in a batch, so dropping it leaves none dangling.
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr == NULL) {
        accept_all();
      } else {
        on_ready(events[i].data.ptr);
      }
    }
  }
}
