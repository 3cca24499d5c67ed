// A closed-loop load of TLS handshakes for HTTPS servers on 127.0.0.1, written by hand on epoll.
//
//     handshake_load --port 7443 --seconds 5 --cpu-of 1234
//     handshakes=21345 seconds=5.000 rate=4269 cpu_ns=... cpu_us_per_handshake=... cpu_busy=...
//
// Each of the --concurrency places connects, shakes hands, makes one request, reads the answer up to
// the server's close_notify, closes, and begins again. Counting starts after --warmup seconds.
//
//     --resume     takes up the session before: every handshake but a place's first is a resumed one
//     --tls12      TLS 1.2 instead of 1.3
//     --cpu-of PID also prints the CPU time that process used while handshakes were counted
//
// A handshake that is full where it should be resumed, or the other way round, ends the program, as do
// an answer that isn't "200 OK" and, with --resume, a connection of TLS 1.3 without a new ticket.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load_tls.h"

static const char kRequest[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
static const char kAnswer[] = "HTTP/1.1 200 OK\r\n";

enum state { kConnecting, kShakingHands, kReading };

struct place {
  int fd;
  enum state state;
  SSL* ssl;
  SSL_SESSION* session;  // with --resume, the newest
  bool offered;          // this connection took it up
  bool has_ticket;       // a new one, of this connection
  char answer[sizeof kAnswer - 1];
  size_t length;  // of `answer`
};

static struct {
  int port;
  uint32_t concurrency;
  double seconds;
  double warmup;
  pid_t cpu_of;
  bool resume;
  bool tls12;
} options = {.concurrency = 32, .seconds = 5, .warmup = 0.5};

static int epoll_fd;
static SSL_CTX* context;
static uint64_t completed;

static void watch(int operation, struct place* place, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = place};
  if (epoll_ctl(epoll_fd, operation, place->fd, &event) < 0) {
    die("epoll_ctl: %s", strerror(errno));
  }
}

static void begin(struct place* place) {
  place->state = kConnecting;
  place->has_ticket = false;
  place->length = 0;
  place->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (place->fd < 0) die("socket: %s", strerror(errno));
  int on = 1;
  setsockopt(place->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons((uint16_t)options.port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  if (connect(place->fd, (struct sockaddr*)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    die("connect: %s", strerror(errno));
  }
  place->ssl = make_tls(context, place->fd);
  SSL_set_app_data(place->ssl, place);
  place->offered = place->session != NULL;
  if (place->offered) SSL_set_session(place->ssl, place->session);
  watch(EPOLL_CTL_ADD, place, EPOLLOUT);
}

static int on_session(SSL* ssl, SSL_SESSION* session) {
  struct place* place = SSL_get_app_data(ssl);
  if (!options.resume) return 0;
  SSL_SESSION_free(place->session);
  place->session = session;
  place->has_ticket = true;
  return 1;  // it is ours now
}

// After a call of OpenSSL that got no further.
static void wait_for_more(struct place* place, int result, const char* what) {
  if (SSL_get_error(place->ssl, result) != SSL_ERROR_WANT_READ) die_of_tls(what);
}

static void finish(struct place* place) {
  if (place->length < sizeof kAnswer - 1 || memcmp(place->answer, kAnswer, place->length) != 0) {
    die("the answer was not 200 OK, but %.*s", (int)place->length, place->answer);
  }
  if (options.resume && !options.tls12 && !place->has_ticket) die("the server gave no ticket");
  SSL_shutdown(place->ssl);
  SSL_free(place->ssl);
  close(place->fd);
  ++completed;
}

// True: the connection is over.
static bool read_answer(struct place* place) {
  static char rest[16384];
  for (;;) {
    bool head = place->length < sizeof place->answer;
    char* into = head ? place->answer + place->length : rest;
    size_t space = head ? sizeof place->answer - place->length : sizeof rest;
    int received = SSL_read(place->ssl, into, (int)space);
    if (received <= 0) {
      if (SSL_get_error(place->ssl, received) == SSL_ERROR_ZERO_RETURN) return true;
      wait_for_more(place, received, "SSL_read");
      return false;
    }
    if (head) place->length += (size_t)received;
  }
}

// True: the connection is over.
static bool advance(struct place* place) {
  if (place->state == kConnecting) {
    place->state = kShakingHands;
    watch(EPOLL_CTL_MOD, place, EPOLLIN);
  }
  if (place->state == kShakingHands) {
    int result = SSL_do_handshake(place->ssl);
    if (result != 1) {
      wait_for_more(place, result, "handshake");
      return false;
    }
    bool resumed = SSL_session_reused(place->ssl) == 1;
    if (resumed != place->offered) {
      die(resumed ? "a full handshake was a resumed one" : "a resumed handshake was a full one");
    }
    if (SSL_write(place->ssl, kRequest, sizeof kRequest - 1) <= 0) die_of_tls("SSL_write");
    place->state = kReading;
  }
  return read_answer(place);
}

static void turn_until(uint64_t deadline) {
  static struct epoll_event events[1024];
  while (now() < deadline) {
    int count = epoll_wait(epoll_fd, events, 1024, 10);
    if (count < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; ++i) {
      struct place* place = events[i].data.ptr;
      if (advance(place)) {
        finish(place);
        begin(place);
      }
    }
  }
}

static void parse(int argc, char** argv) {
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},    {"concurrency", required_argument, NULL, 'c'},
      {"seconds", required_argument, NULL, 't'}, {"warmup", required_argument, NULL, 'u'},
      {"cpu-of", required_argument, NULL, 'P'},  {"resume", no_argument, NULL, 'r'},
      {"tls12", no_argument, NULL, '2'},         {NULL, 0, NULL, 0},
  };
  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (name) {
      case 'p':
        options.port = (int)positive(optarg, 1);
        break;
      case 'c':
        options.concurrency = (uint32_t)positive(optarg, 1);
        break;
      case 't':
        options.seconds = positive(optarg, 0.01);
        break;
      case 'u':
        options.warmup = positive(optarg, 0);
        break;
      case 'P':
        options.cpu_of = (pid_t)positive(optarg, 1);
        break;
      case 'r':
        options.resume = true;
        break;
      case '2':
        options.tls12 = true;
        break;
      default:
        exit(2);
    }
  }
  if (optind < argc) die("unexpected argument '%s'", argv[optind]);
  if (options.port < 1 || options.port > 65535) die("--port 1..65535 is required");
}

int main(int argc, char** argv) {
  parse(argc, argv);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct place* places = calloc(options.concurrency, sizeof *places);
  if (places == NULL || epoll_fd < 0) die("%s", strerror(errno));
  context = make_tls_context(options.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, on_session);
  for (uint32_t i = 0; i < options.concurrency; ++i)
    begin(&places[i]);

  turn_until(now() + (uint64_t)(options.warmup * (double)kSecond));
  uint64_t completed_before = completed;
  uint64_t cpu_before = cpu_time_of(options.cpu_of);
  uint64_t before = now();
  turn_until(before + (uint64_t)(options.seconds * (double)kSecond));
  uint64_t handshakes = completed - completed_before;
  uint64_t cpu = cpu_time_of(options.cpu_of) - cpu_before;
  double seconds = (double)(now() - before) / (double)kSecond;

  if (handshakes == 0) die("no handshake within %g s", options.seconds);
  printf("handshakes=%" PRIu64 " seconds=%.3f rate=%.0f", handshakes, seconds,
         (double)handshakes / seconds);
  if (options.cpu_of != 0) {
    printf(" cpu_ns=%" PRIu64 " cpu_us_per_handshake=%.2f cpu_busy=%.3f", cpu,
           (double)cpu / (double)handshakes / 1e3, (double)cpu / (double)kSecond / seconds);
  }
  printf("\n");
  return 0;
}
