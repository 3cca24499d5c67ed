// A closed-loop load generator for echo servers on 127.0.0.1, written by hand on epoll.
//
//     echo_load --port 7000 --connections 1000 --seconds 5
//     messages=912345 seconds=5.000 rate=182469 p50_us=... p99_us=... max_us=...
//
// Every connection keeps --depth messages of --size bytes in flight and starts the next one when a
// reply is complete. All connections are open, and have echoed one message, before load begins; all
// bytes are verified: each message carries its connection and number, so a reply that is stale,
// shifted or another connection's is found. Counting starts after --warmup seconds.
//
//     --messages M    M messages per connection instead of a time
//     --wait          print "ready N", begin when a line arrives on stdin, and keep the connections
//                     after the figures until stdin closes
//     --cpu-of PID    also print the CPU time that process used while messages were counted
//     --opening N     at most so many are opened at a time (256), so that no accept queue overflows
//     --tls           over TLS 1.3
//     --hold          open the connections, print "holding N", keep them until stdin closes or
//                     --seconds have passed
//
// Latency is service time: a closed loop slows down with its server, so this is no load test of
// latency under a given arrival rate.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load_tls.h"

enum {
  kBufferSize = 64 * 1024,
  kEventsPerWait = 1024,
  kTimeLimit = 120,  // seconds for anything that has no time of its own
  kMaxSize = 1 << 20,
};

struct connection {
  int fd;
  uint32_t id;
  SSL* ssl;  // with --tls, once connected
  bool established;
  bool awaits_writable;
  uint64_t started;      // messages
  uint64_t done;         // messages
  uint64_t sent;         // bytes
  uint64_t received;     // bytes
  uint64_t* started_at;  // a ring of `depth` times
};

static struct {
  int port;
  uint32_t connections;
  uint32_t opening;
  uint64_t depth;
  uint64_t size;
  double seconds;
  double warmup;
  uint64_t messages;
  pid_t cpu_of;
  bool wait;
  bool hold;
  bool tls;
} options = {.connections = 100, .opening = 256, .depth = 1, .size = 64, .warmup = 0.5};

static int epoll_fd;
static SSL_CTX* tls;  // with --tls
static struct connection* connections;
static uint32_t opened;  // connect called
static uint32_t ready;   // echoed their first message
static uint32_t lost;    // closed by the server while held
static bool holding;
static uint64_t goal = 1;  // messages that a connection may start
static uint64_t in_flight;
static uint64_t completed;
static char* pattern;  // one message

// --- The stream of a connection: its messages, one after the other -------------------------------

static void stream_bytes(const struct connection* connection, uint64_t position, size_t length,
                         char* out) {
  while (length > 0) {
    uint64_t stamp = (uint64_t)connection->id << 32 | (uint32_t)(position / options.size);
    memcpy(pattern, &stamp, options.size < sizeof stamp ? options.size : sizeof stamp);
    size_t offset = position % options.size;
    size_t part = options.size - offset < length ? options.size - offset : length;
    memcpy(out, pattern + offset, part);
    position += part;
    out += part;
    length -= part;
  }
}

static void watch(int operation, struct connection* connection, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(epoll_fd, operation, connection->fd, &event) < 0) {
    die("epoll_ctl: %s", strerror(errno));
  }
}

// Negative: it has to wait.
static ssize_t send_some(struct connection* connection, const char* bytes, size_t length) {
  if (connection->ssl == NULL) {
    ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) die("send: %s", strerror(errno));
    return sent;
  }
  int sent = SSL_write(connection->ssl, bytes, (int)length);
  if (sent <= 0 && SSL_get_error(connection->ssl, sent) != SSL_ERROR_WANT_WRITE) {
    die_of_tls("SSL_write");
  }
  return sent > 0 ? sent : -1;
}

// Negative: it has to wait. 0: the server has closed the connection.
static ssize_t receive(struct connection* connection, char* bytes, size_t length) {
  if (connection->ssl == NULL) {
    ssize_t received = recv(connection->fd, bytes, length, 0);
    if (received < 0 && errno != EAGAIN && !holding) {
      die("connection %" PRIu32 ": recv: %s", connection->id, strerror(errno));
    }
    return received < 0 && errno != EAGAIN ? 0 : received;
  }
  int received = SSL_read(connection->ssl, bytes, (int)length);
  if (received > 0) return received;
  int error = SSL_get_error(connection->ssl, received);
  if (error == SSL_ERROR_WANT_READ) return -1;
  if (error != SSL_ERROR_ZERO_RETURN && !holding) die_of_tls("SSL_read");
  return 0;
}

static void flush(struct connection* connection) {
  static char buffer[kBufferSize];
  bool blocked = false;
  for (;;) {
    uint64_t left = connection->started * options.size - connection->sent;
    if (left == 0) break;
    size_t length = left < sizeof buffer ? left : sizeof buffer;
    stream_bytes(connection, connection->sent, length, buffer);
    ssize_t sent = send_some(connection, buffer, length);
    if (sent > 0) connection->sent += (uint64_t)sent;
    if (sent < (ssize_t)length) {
      blocked = true;
      break;
    }
  }
  if (blocked == connection->awaits_writable) return;
  connection->awaits_writable = blocked;
  watch(EPOLL_CTL_MOD, connection, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void start_messages(struct connection* connection) {
  uint64_t time = now();
  while (connection->started < goal && connection->started - connection->done < options.depth) {
    connection->started_at[connection->started % options.depth] = time;
    ++connection->started;
    ++in_flight;
  }
  flush(connection);
}

// False: nothing was there.
static bool on_reply(struct connection* connection) {
  static char actual[kBufferSize];
  static char expected[kBufferSize];
  ssize_t length = receive(connection, actual, sizeof actual);
  if (length < 0) return false;
  if (length == 0 && holding) {
    ++lost;
    close(connection->fd);
    return false;
  }
  if (length == 0) die("connection %" PRIu32 ": closed by the server", connection->id);
  stream_bytes(connection, connection->received, (size_t)length, expected);
  if (connection->received + (uint64_t)length > connection->sent ||
      memcmp(actual, expected, (size_t)length) != 0) {
    die("connection %" PRIu32 ": message %" PRIu64 " came back wrong", connection->id,
        connection->done);
  }
  connection->received += (uint64_t)length;
  uint64_t time = now();
  for (; connection->done < connection->received / options.size; ++connection->done) {
    if (connection->done == 0) ++ready;
    record(time - connection->started_at[connection->done % options.depth]);
    --in_flight;
    ++completed;
  }
  start_messages(connection);
  return true;
}

static bool shake_hands(struct connection* connection) {
  if (connection->ssl == NULL) connection->ssl = make_tls(tls, connection->fd);
  int result = SSL_do_handshake(connection->ssl);
  if (result == 1) return true;
  int error = SSL_get_error(connection->ssl, result);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) die_of_tls("handshake");
  watch(EPOLL_CTL_MOD, connection, error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
  return false;
}

static void on_opening(struct connection* connection) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) die("connect: %s", strerror(error));
  if (options.tls && !shake_hands(connection)) return;
  connection->established = true;
  watch(EPOLL_CTL_MOD, connection, EPOLLIN);
  start_messages(connection);
}

static void open_connection(void) {
  struct connection* connection = &connections[opened];
  connection->id = opened++;
  connection->started_at = calloc(options.depth, sizeof *connection->started_at);
  if (connection->started_at == NULL) die("out of memory");
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) die("socket: %s", strerror(errno));
  int on = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons((uint16_t)options.port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  if (connect(connection->fd, (struct sockaddr*)&address, sizeof address) < 0 &&
      errno != EINPROGRESS) {
    die("connect: %s", strerror(errno));
  }
  watch(EPOLL_CTL_ADD, connection, EPOLLOUT);
}

static void turn(void) {
  static struct epoll_event events[kEventsPerWait];
  int count = epoll_wait(epoll_fd, events, kEventsPerWait, 10);
  if (count < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
  for (int i = 0; i < count; ++i) {
    struct connection* connection = events[i].data.ptr;
    if (!connection->established) {
      on_opening(connection);
      continue;
    }
    if (events[i].events & EPOLLOUT) flush(connection);
    if (events[i].events & ~(uint32_t)EPOLLOUT) {
      // TLS may have read ahead, which epoll doesn't know of.
      while (on_reply(connection) && options.tls && SSL_has_pending(connection->ssl))
        continue;
    }
  }
}

static void turn_until(uint64_t deadline) {
  while (now() < deadline)
    turn();
}

// --- What the command does, in order -------------------------------------------------------------

static void open_all(void) {
  uint64_t deadline = now() + kTimeLimit * kSecond;
  while (ready < options.connections) {
    while (opened < options.connections && opened - ready < options.opening)
      open_connection();
    turn();
    if (now() > deadline) die("only %" PRIu32 " connections came up", ready);
  }
}

static void hold(void) {
  holding = true;
  printf("holding %" PRIu32 "\n", ready);
  uint64_t deadline = now() + (uint64_t)(options.seconds * (double)kSecond);
  char byte;
  struct pollfd sources[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                             {.fd = epoll_fd, .events = POLLIN}};
  while (now() < deadline) {
    if (poll(sources, 2, 100) < 0 && errno != EINTR) die("poll: %s", strerror(errno));
    if (sources[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0) break;
    if (sources[1].revents != 0) turn();
  }
  printf("held %" PRIu32 " lost %" PRIu32 "\n", ready - lost, lost);
}

static void finish_in_flight(void) {
  uint64_t deadline = now() + kTimeLimit * kSecond;
  while (in_flight > 0) {
    turn();
    if (now() > deadline) die("%" PRIu64 " messages without a reply", in_flight);
  }
}

static void load(void) {
  goal = options.messages > 0 ? 1 + options.messages : UINT64_MAX;
  uint64_t begin = now();
  if (options.messages == 0) {
    for (uint32_t i = 0; i < opened; ++i)
      start_messages(&connections[i]);
    turn_until(begin + (uint64_t)(options.warmup * (double)kSecond));
  }
  memset(latencies, 0, sizeof latencies);
  uint64_t completed_before = completed;
  uint64_t cpu_before = cpu_time_of(options.cpu_of);
  begin = now();
  if (options.messages == 0) {
    turn_until(begin + (uint64_t)(options.seconds * (double)kSecond));
  } else {
    for (uint32_t i = 0; i < opened; ++i)
      start_messages(&connections[i]);
    finish_in_flight();
  }
  uint64_t messages = completed - completed_before;
  uint64_t cpu = cpu_time_of(options.cpu_of) - cpu_before;
  double seconds = (double)(now() - begin) / (double)kSecond;

  printf("messages=%" PRIu64 " seconds=%.3f rate=%.0f p50_us=%.1f p99_us=%.1f max_us=%.1f",
         messages, seconds, (double)messages / seconds, percentile_us(0.5), percentile_us(0.99),
         percentile_us(1));
  if (options.cpu_of != 0) {
    printf(" cpu_ns=%" PRIu64 " cpu_ns_per_message=%.1f cpu_busy=%.3f", cpu,
           (double)cpu / (double)messages, (double)cpu / (double)kSecond / seconds);
  }
  printf("\n");

  goal = 0;
  finish_in_flight();  // so that the server sees clean ends of stream, not resets
}

static void say_goodbye(void) {
  for (uint32_t i = 0; i < opened; ++i)
    SSL_shutdown(connections[i].ssl);
}

static void parse(int argc, char** argv) {
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},
      {"connections", required_argument, NULL, 'c'},
      {"opening", required_argument, NULL, 'o'},
      {"depth", required_argument, NULL, 'd'},
      {"size", required_argument, NULL, 's'},
      {"seconds", required_argument, NULL, 't'},
      {"warmup", required_argument, NULL, 'u'},
      {"messages", required_argument, NULL, 'm'},
      {"cpu-of", required_argument, NULL, 'P'},
      {"wait", no_argument, NULL, 'w'},
      {"hold", no_argument, NULL, 'h'},
      {"tls", no_argument, NULL, 'T'},
      {NULL, 0, NULL, 0},
  };
  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (name) {
      case 'p':
        options.port = (int)positive(optarg, 1);
        break;
      case 'c':
        options.connections = (uint32_t)positive(optarg, 1);
        break;
      case 'o':
        options.opening = (uint32_t)positive(optarg, 1);
        break;
      case 'd':
        options.depth = (uint64_t)positive(optarg, 1);
        break;
      case 's':
        options.size = (uint64_t)positive(optarg, 1);
        break;
      case 't':
        options.seconds = positive(optarg, 0.01);
        break;
      case 'u':
        options.warmup = positive(optarg, 0);
        break;
      case 'm':
        options.messages = (uint64_t)positive(optarg, 1);
        break;
      case 'P':
        options.cpu_of = (pid_t)positive(optarg, 1);
        break;
      case 'w':
        options.wait = true;
        break;
      case 'h':
        options.hold = true;
        break;
      case 'T':
        options.tls = true;
        break;
      default:
        exit(2);
    }
  }
  if (optind < argc) die("unexpected argument '%s'", argv[optind]);
  if (options.port < 1 || options.port > 65535) die("--port 1..65535 is required");
  if (options.size > kMaxSize) die("--size is at most %d", kMaxSize);
  if (options.seconds == 0) options.seconds = options.hold ? 60 : 5;
}

int main(int argc, char** argv) {
  parse(argc, argv);
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  connections = calloc(options.connections, sizeof *connections);
  pattern = malloc(options.size);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (connections == NULL || pattern == NULL || epoll_fd < 0) die("%s", strerror(errno));
  for (uint64_t i = 0; i < options.size; ++i)
    pattern[i] = (char)('a' + i % 26);
  if (options.tls) tls = make_tls_context(TLS1_3_VERSION);

  open_all();
  if (options.hold) {
    hold();
  } else {
    char line[16];
    if (options.wait) {
      printf("ready %" PRIu32 "\n", ready);
      if (fgets(line, sizeof line, stdin) == NULL) return 0;
    }
    load();
    while (options.wait && fgets(line, sizeof line, stdin) != NULL)
      continue;
  }
  if (options.tls) say_goodbye();
  return options.hold && lost > 0;
}
