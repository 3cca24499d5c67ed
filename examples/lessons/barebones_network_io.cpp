// Barebones network I/O: compute while a server takes its time
//
// From "A Conceptual Overview of asyncio", the chapter of that name, and the programs beside it
// (https://github.com/anordin95/a-conceptual-overview-of-asyncio). A server sums samples of a normal distribution and
// answers with the sum; a client asks for it and sums uniform samples itself. The serial client waits, then
// computes: the times add up. The asynchronous one computes while it waits.
//
//   simul lesson barebones_network_io                         all of it, the server in a process of its own
//   simul lesson barebones_network_io --like-the-document     sized to take 2.77 s and 4.77 s, as there
//   simul lesson barebones_network_io server (serial, async)  one role, at 127.0.0.1:8197
//
// What differs from the original, on purpose:
// - It asks the socket in every cycle of the loop, "is it ready yet?", which keeps a processor busy when there is
//   nothing else to do. Here the request awaits recv() and is resumed only when bytes, or the end, are there: its
//   "Pausing" and "Resuming" lines are the times when it really did. It goes to the end of the queue then, behind the
//   sum, which has yielded: so it goes on a pause later than the bytes came, as it does in asyncio.
// - It ends with `await task1, task2`, which awaits only the first and makes a tuple of the result and the
//   second task: if that one isn't done by then, its total is never seen. gather() waits for both.
// - Its totals are others in each run. Here they are those of Python after
//   random.seed(42): sum(random.random() for _ in range(n)), sum(random.gauss(0, 1) for _ in range(n)).
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <coroutine>
#include <cstdio>
#include <exception>
#include <expected>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <simul/simul.hpp>

#include "arguments.hpp"
#include "child_process.hpp"
#include "measure.hpp"
#include "python_random.hpp"

using namespace simul;

constexpr int kSeed = 42;
constexpr long kChunk = 100'000;  // samples between two looks at the clock: looking isn't free

struct Work {
  long gauss_samples = 1'200'000;     // the server's
  long uniform_samples = 12'000'000;  // the client's, a tenth of the original's
  double time_allotment = 0.01;       // seconds until the client's sum lets others run
};

struct Totals {
  double server = 0;
  double uniform = 0;
};

// --- the server --------------------------------------------------------------------------------------

double gauss_sum(long samples) {
  PythonRandom random(kSeed);
  double total = 0;
  for (long i = 0; i < samples; ++i) {
    total += random.gauss();
  }
  return total;
}

/// As Python prints it: the shortest text that is this number.
std::string to_text(double number) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.begin(), text.end(), number).ptr};
}

Coro<> answer(Connection& peer, long samples) {
  const double total = co_await to_thread(gauss_sum, samples);  // others can connect meanwhile
  (void)co_await peer.send(to_text(total));
}

void run_server(SocketListener listener, const Work& work) {
  run(serve(std::move(listener),
            [&](Connection& peer) { return answer(peer, work.gauss_samples); }));
}

// --- what both clients need ----------------------------------------------------------------------------

/// Blocks, as in the original. On this machine that takes microseconds; elsewhere: co_await connect(server).
int connect_to(const Endpoint& server) {
  sockaddr_storage address{};
  const socklen_t size = server.to_sockaddr(address);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    throw std::system_error(errno, std::generic_category(), "connect to " + server.to_string());
  }
  return fd;
}

double to_number(std::string_view text) {
  double number = 0;
  if (std::from_chars(text.begin(), text.end(), number).ec != std::errc()) {
    throw std::runtime_error("the server's answer isn't a number");
  }
  return number;
}

// --- the serial client -----------------------------------------------------------------------------------

double request_and_wait(const Endpoint& server) {
  std::puts("Beginning server_request.");
  const Stopwatch watch;
  const int fd = connect_to(server);
  std::string response;
  std::array<char, 4096> buffer{};
  for (ssize_t size; (size = ::recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {  // blocks
    response.append(buffer.data(), size);
  }
  ::close(fd);
  const double total = to_number(response);
  std::printf("====== Done server_request. total: %.2f. Ran for: %.2fs. ======\n", total,
              watch.seconds());
  return total;
}

double uniform_sum_at_once(long samples) {
  std::puts("Beginning uniform_sum.");
  const Stopwatch watch;
  PythonRandom random(kSeed);
  double total = 0;
  for (long i = 0; i < samples; ++i) {
    total += random.random();
  }
  std::printf("====== Done uniform_sum. total: %.2f. Ran for: %.2fs. ======\n", total,
              watch.seconds());
  return total;
}

Totals serial_client(const Endpoint& server, const Work& work) {
  const double server_total = request_and_wait(server);
  return {server_total, uniform_sum_at_once(work.uniform_samples)};
}

// --- the asynchronous client -------------------------------------------------------------------------------

/// recv() that says so if it really has to wait: an awaitable of one's own, made from another one.
class NarratedRecv final : public RecvChunk {
 public:
  using RecvChunk::RecvChunk;

  bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    paused_ = RecvChunk::await_suspend(waiting);
    if (paused_) {
      std::printf("Pausing server_request. time_elapsed: %.2fs.\n\n", watch_.seconds());
    }
    return paused_;
  }
  std::expected<Chunk, std::error_code> await_resume() {
    if (paused_) {
      std::puts("Resuming server_request.");
    }
    return RecvChunk::await_resume();
  }

 private:
  Stopwatch watch_;
  bool paused_ = false;
};

Coro<double> server_request(Endpoint server) {
  std::puts("Beginning server_request.");
  auto stream = SocketStream::adopt(connect_to(server));
  if (!stream) {
    throw std::system_error(stream.error());
  }
  std::string response;
  while (auto chunk = co_await NarratedRecv(*stream)) {  // until the server closes
    response += as_text(*chunk);
  }
  const double total = to_number(response);
  std::printf("====== Done server_request. total: %.2f. ======\n\n", total);
  co_return total;
}

Coro<double> uniform_sum(long samples, double time_allotment) {
  std::puts("Beginning uniform_sum.");
  PythonRandom random(kSeed);
  double total = 0;
  Stopwatch watch;
  for (long i = 0; i < samples;) {
    for (const long end = std::min(i + kChunk, samples); i < end; ++i) {
      total += random.random();
    }
    if (i < samples && watch.seconds() > time_allotment) {
      std::printf("Pausing uniform_sum at sample_num: %s. time_elapsed: %.2fs.\n\n",
                  with_commas(i - 1).c_str(), watch.seconds());
      co_await yield_now();
      std::puts("Resuming uniform_sum.");
      watch = {};
    }
  }
  std::printf("====== Done uniform_sum. total: %.2f ======\n\n", total);
  co_return total;
}

Coro<Totals> asynchronous_client(Endpoint server, Work work) {
  const auto [uniform, from_server] = co_await gather(
      uniform_sum(work.uniform_samples, work.time_allotment), server_request(server));
  co_return Totals{from_server, uniform};
}

// --- roles -------------------------------------------------------------------------------------------------

/// Runs a client; gives what it found out and how long that took, in seconds.
template <typename Client>
std::pair<Totals, double> timed(Client client) {
  const Stopwatch watch;
  const Totals totals = client();
  const double seconds = watch.seconds();
  std::printf("Total time elapsed: %.2fs.\n", seconds);
  return {totals, seconds};
}

/// How many samples this machine draws in so many seconds, when nothing disturbs it.
template <typename Sample>
long samples_in(double seconds, Sample sample) {
  std::vector<double> times;
  for (int burst = 0; burst < 99; ++burst) {
    const Stopwatch watch;
    double total = 0;
    for (long i = 0; i < kChunk; ++i) {
      total += sample();
    }
    [[maybe_unused]] volatile const double needed =
        total;  // else the compiler would leave it all out
    times.push_back(watch.seconds());
  }
  return static_cast<long>(seconds / std::ranges::min(times) * kChunk);
}

Work like_the_document() {
  PythonRandom random(kSeed);
  return {.gauss_samples = samples_in(2.77, [&] { return random.gauss(); }),
          .uniform_samples = samples_in(4.77, [&] { return random.random(); }),
          .time_allotment = 1};
}

SocketListener listen_here(const Endpoint& endpoint) {
  try {
    return listen(endpoint);
  } catch (const std::system_error&) {  // somebody else has the port: another one will do
    return listen(endpoint.with_port(0));
  }
}

void run_all(const Endpoint& endpoint, const Work& work) {
  PythonRandom random(kSeed);
  double uniform = 0;
  for (int i = 0; i < 1000; ++i) {
    uniform += random.random();
  }
  std::printf("After random.seed(42), the sums of 1,000: random() %s, gauss(0, 1) %s.\n\n",
              to_text(uniform).c_str(), to_text(gauss_sum(1000)).c_str());

  SocketListener listener = listen_here(endpoint);
  const Endpoint server = listener.local_endpoint();
  const ChildProcess server_process([&] { run_server(std::move(listener), work); });
  listener.close();  // the server's is another descriptor of the same socket

  std::puts("--- serial ---");
  const auto [serial, serial_time] = timed([&] { return serial_client(server, work); });
  std::puts("\n--- asynchronous ---");
  const auto [asynchronous, asynchronous_time] =
      timed([&] { return run(asynchronous_client(server, work)); });

  const bool same = serial.server == asynchronous.server && serial.uniform == asynchronous.uniform;
  std::printf("\nThe totals are %s. The asynchronous client took %.2f of the serial one's time.\n",
              same ? "the same" : "NOT the same", asynchronous_time / serial_time);
}

int main(int argc, char** argv) try {
  const Endpoint server = Endpoint::ipv4({127, 0, 0, 1}, 8197);
  Arguments arguments(argc, argv, "[server | serial | async] [--like-the-document]");
  const bool as_there = arguments.flag("--like-the-document");
  const std::string_view role = arguments.choice("all", {"server", "serial", "async"});
  arguments.end();

  const Work work = as_there ? like_the_document() : Work{};
  if (role == "all") {
    run_all(server, work);
  } else if (role == "server") {
    run_server(listen(server), work);
  } else if (role == "serial") {
    timed([&] { return serial_client(server, work); });
  } else {
    timed([&] { return run(asynchronous_client(server, work)); });
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "barebones_network_io: %s\n", error.what());
  return 1;
}
