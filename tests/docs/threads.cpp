// The snippets of docs/runtime/threads.md.
#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <simul/simul.hpp>

using namespace simul;
using namespace std::chrono_literals;

namespace {

// [blocking]
std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Coro<std::size_t> size_of(std::string path) {
  const std::string text = co_await to_thread(read_file, path);  // the loop goes on meanwhile
  co_return text.size();
}
// [/blocking]

// [stop]
Coro<long> sum(const std::vector<long>& numbers) {
  auto add = [&](std::stop_token stop) {
    long total = 0;
    for (std::size_t i = 0; i < numbers.size() && !stop.stop_requested(); ++i) {
      total += numbers[i];
    }
    return total;
  };
  co_return co_await to_thread(add);  // `numbers` outlives it, cancelled or not
}
// [/stop]

std::string look_up(const std::string& host) { return host + " has address 192.0.2.1"; }

// [abandon]
Coro<std::string> look_up_in_time(std::string host) {
  auto lookup = [host]() -> Coro<std::string> {
    co_return co_await to_thread(look_up, host).abandon_on_cancel();
  };
  co_return co_await fail_after(5s, lookup);
}
// [/abandon]

// [limiter]
Coro<> resize_all(std::vector<int>& pictures) {
  ThreadLimiter two(2);  // the other threads of the pool are for others
  co_await with_group([&](TaskGroup& group) -> Coro<> {
    for (int& picture : pictures) {
      group.spawn([&]() -> Coro<> {
        auto resize = [&] { picture /= 2; };
        co_await to_thread(resize).limited_by(two);
      });
    }
    co_return;
  });
}
// [/limiter]

// [run_on]
Coro<int> count_users(std::string domain) { co_return domain == "example.org" ? 3 : 0; }

Coro<int> users(Loop& directory) {
  co_return co_await run_on(directory, count_users, "example.org");
}
// [/run_on]

}  // namespace

TEST_SUITE("docs: threads") {
  TEST_CASE("blocking, stop, abandon, limiter") {
    run([]() -> Coro<> {
      CHECK(co_await size_of("/dev/null") == 0);
      const std::vector<long> numbers{1, 2, 3};
      CHECK(co_await sum(numbers) == 6);
      CHECK(co_await look_up_in_time("example.org") == "example.org has address 192.0.2.1");
      std::vector<int> pictures{2, 4, 6, 8};
      co_await resize_all(pictures);
      CHECK(pictures == std::vector{1, 2, 3, 4});
    }());
  }

  TEST_CASE("run_on") {
    Loop directory;
    std::jthread thread([&] { directory.run_forever(); });
    CHECK(run(users(directory)) == 3);
    directory.stop();
  }
}
