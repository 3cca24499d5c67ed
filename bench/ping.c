// How late is one connection of an HTTP server on 127.0.0.1, while the others keep it busy?
//
//     ping --port 8080 --seconds 5
//     pings=5000 p50_us=31.2 p99_us=120.3 max_us=4000.1
//
// One kept connection asks for "/" each --interval seconds and reads the answer. An answer that takes
// longer than that also counts for the pings that were due meanwhile, with what would have been left of it:
// so the figures are those of a ping at any moment, and a stall counts for as long as it lasts.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

static const char kRequest[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char kAnswer[] = "HTTP/1.1 200 OK\r\n";

static struct {
  int port;
  double seconds;
  double interval;
} options = {.seconds = 5, .interval = 0.001};

static int open_connection(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  struct sockaddr_in address = {
      .sin_family = AF_INET,
      .sin_port = htons((uint16_t)options.port),
      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
      connect(fd, (struct sockaddr*)&address, sizeof address) < 0) {
    die("connect: %s", strerror(errno));
  }
  return fd;
}

// A small answer comes in one piece.
static void ping(int fd) {
  char answer[4096];
  if (send(fd, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL) < 0) die("send: %s", strerror(errno));
  ssize_t received = recv(fd, answer, sizeof answer, 0);
  if (received < (ssize_t)sizeof kAnswer - 1 || memcmp(answer, kAnswer, sizeof kAnswer - 1) != 0) {
    die("the answer was not 200 OK");
  }
}

static void parse(int argc, char** argv) {
  static const struct option names[] = {
      {"port", required_argument, NULL, 'p'},
      {"seconds", required_argument, NULL, 't'},
      {"interval", required_argument, NULL, 'i'},
      {NULL, 0, NULL, 0},
  };
  for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (name) {
      case 'p':
        options.port = (int)positive(optarg, 1);
        break;
      case 't':
        options.seconds = positive(optarg, 0.01);
        break;
      case 'i':
        options.interval = positive(optarg, 1e-5);
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
  int fd = open_connection();
  ping(fd);
  uint64_t interval = (uint64_t)(options.interval * (double)kSecond);
  uint64_t due = now();
  uint64_t end = due + (uint64_t)(options.seconds * (double)kSecond);
  uint64_t pings = 0;
  while (due < end) {
    struct timespec time = {.tv_sec = (time_t)(due / kSecond), .tv_nsec = (long)(due % kSecond)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
      continue;
    ping(fd);
    for (uint64_t answered = now(); due < answered; due += interval) {
      record(answered - due);
      ++pings;
    }
  }
  printf("pings=%" PRIu64 " p50_us=%.1f p99_us=%.1f max_us=%.1f\n", pings, percentile_us(0.5),
         percentile_us(0.99), percentile_us(1));
  return 0;
}
