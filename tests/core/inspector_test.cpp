#include <simul/inspector.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <latch>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <simul/event.hpp>
#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/task_group.hpp>

using namespace simul;
using nlohmann::json;

namespace {

/// A folder for the socket, and XDG_RUNTIME_DIR, which tells where to look for it.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/simul-test-XXXXXX";
    path_ = ::mkdtemp(name);
    ::setenv("XDG_RUNTIME_DIR", path_.c_str(), 1);
  }
  ~Folder() {
    ::unsetenv("XDG_RUNTIME_DIR");
    std::filesystem::remove_all(path_);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~Client() { ::close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view bytes) {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  /// One line; empty at the end of the connection.
  std::string line() {
    for (;;) {
      if (const std::size_t end = in_.find('\n'); end != std::string::npos) {
        std::string line = in_.substr(0, end);
        in_.erase(0, end + 1);
        return line;
      }
      char buffer[4096];
      const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
      if (count <= 0) {
        return {};
      }
      in_.append(buffer, static_cast<std::size_t>(count));
    }
  }
  json ask(const json& request) {
    send(request.dump() + '\n');
    return json::parse(line());
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }

 private:
  int fd_;
  std::string in_;
};

/// A loop on a thread of its own, with a task named "main" and some named "idle", until the end of the object.
class RunningLoop {
 public:
  explicit RunningLoop(int tasks = 0) {
    std::latch begun(1);
    thread_ = std::thread([this, tasks, &begun] {
      Loop loop;
      loop_ = &loop;
      auto main = [this, tasks, &begun]() -> Coro<> {
        current_task_named("main");
        Event end;
        end_ = &end;
        auto idle = [&]() -> Coro<> { co_await end.wait(); };
        auto body = [&](TaskGroup& group) -> Coro<> {
          for (int i = 0; i < tasks; ++i) {
            group.spawn(idle).set_name("idle");
          }
          co_await yield_now();
          Event& pulse = pulse_.emplace();
          begun.count_down();
          for (; !end.is_set(); pulse.clear()) {
            co_await pulse.wait();
            if (std::latch* stepped = std::exchange(stepped_, nullptr)) {
              stepped->count_down();
            }
          }
        };
        co_await with_group(body);
      };
      loop.run_until_complete(main());
    });
    begun.wait();
  }
  ~RunningLoop() {
    loop_->post([this] {
      end_->set();
      pulse_->set();
    });
    thread_.join();
  }
  RunningLoop(const RunningLoop&) = delete;
  RunningLoop& operator=(const RunningLoop&) = delete;

  [[nodiscard]] Loop& loop() noexcept { return *loop_; }
  /// Lets the main task make a step.
  void step() {
    std::latch stepped(1);
    loop_->post([&] {
      stepped_ = &stepped;
      pulse_->set();
    });
    stepped.wait();
  }

 private:
  static void current_task_named(const char* name) {
    detail::TaskAccess::state(current_task()).set_name(name);
  }

  Loop* loop_ = nullptr;
  Event* end_ = nullptr;
  std::optional<Event> pulse_;
  std::latch* stepped_ = nullptr;
  std::thread thread_;
};

}  // namespace

TEST_CASE("an inspector shows the tasks of a loop, each with what it waits for and where") {
  const Folder folder;
  const Inspector inspector;
  CHECK(inspector.path() == folder.path() + "/simul/" + std::to_string(::getpid()) + ".sock");
  RunningLoop loop(2);
  Client client(inspector.path());
  const json answer = client.ask({{"command", "tasks"}, {"sort", "name"}});
  CHECK(answer.at("ok") == true);
  CHECK(answer.at("count") == 3);
  CHECK(answer.at("matching") == 3);
  REQUIRE(answer.at("loops").size() == 1);
  CHECK(answer.at("loops")[0].at("answers") == true);
  CHECK(answer.at("loops")[0].at("tasks") == 3);
  const json& tasks = answer.at("tasks");
  REQUIRE(tasks.size() == 3);
  CHECK(tasks[0].at("name") == "idle");
  CHECK(tasks[0].at("state") == "waiting");
  CHECK(tasks[0].at("waits_for") == "event");
  CHECK(tasks[0].at("parent") == tasks[2].at("id"));
  CHECK(tasks[0].at("calls")[0].at("file").get<std::string>().ends_with("inspector_test.cpp"));
  CHECK(tasks[0].at("wake_ups") == 1);
  CHECK(tasks[0].at("wake_ups_per_s").is_null());
  CHECK(tasks[0].at("frame_bytes") > 0);
  CHECK(tasks[2].at("name") == "main");
}

TEST_CASE("tasks are chosen by text and state, and cut off at a limit") {
  const Folder folder;
  const Inspector inspector;
  RunningLoop loop(600);  // some turns' worth
  Client client(inspector.path());
  const json some = client.ask({{"command", "tasks"}, {"filter", "idl"}, {"limit", 5}});
  CHECK(some.at("count") == 601);
  CHECK(some.at("matching") == 600);
  CHECK(some.at("tasks").size() == 5);
  CHECK(client.ask({{"command", "tasks"}, {"limit", 0}}).at("tasks").empty());
  CHECK(client.ask({{"command", "tasks"}, {"state", "ready"}}).at("matching") == 0);
  CHECK(client.ask({{"command", "tasks"}, {"filter", "event"}}).at("matching") == 601);
  CHECK(client.ask({{"command", "tasks"}, {"filter", "inspector_test.cpp"}}).at("matching") == 601);
  const json last =
      client.ask({{"command", "tasks"}, {"sort", "name"}, {"reverse", true}, {"limit", 1}});
  CHECK(last.at("tasks")[0].at("name") == "main");
}

TEST_CASE("a filter looks at what is waited for in full") {
  const Folder folder;
  const Inspector inspector;
  Client client(inspector.path());
  json answer;
  std::optional<std::jthread> asks;
  Loop loop;
  auto main = [&]() -> Coro<> {
    Event answered;
    asks.emplace([&] {
      answer = client.ask({{"command", "tasks"}, {"filter", "s left"}});
      loop.post([&] { answered.set(); });
    });
    auto sleeper = []() -> Coro<> { co_await sleep(std::chrono::hours(1)); };
    Task<> sleeping = spawn(sleeper());
    co_await yield_now();
    co_await answered.wait();
    sleeping.cancel();
  };
  loop.run_until_complete(main());
  asks->join();
  CHECK(answer.at("count") == 2);
  CHECK(answer.at("matching") == 1);
}

TEST_CASE("a counter that throws ends neither the process nor the inspector") {
  const Folder folder;
  bool throws = true;
  const Inspector inspector(
      {.path = {}, .counters = [&]() -> std::vector<std::pair<std::string, std::uint64_t>> {
         if (throws) {
           throw std::runtime_error("no counters today");
         }
         return {};
       }});
  {
    Client client(inspector.path());
    const json answer = client.ask({{"command", "info"}});
    CHECK(answer.at("ok") == false);
    CHECK(answer.at("error") == "no answer: no counters today");
    CHECK(client.line().empty());
  }
  throws = false;
  Client client(inspector.path());
  CHECK(client.ask({{"command", "info"}}).at("ok") == true);
}

TEST_CASE("a client learns what happened per second since it asked last") {
  const Folder folder;
  const Inspector inspector;
  RunningLoop loop(1);
  Client client(inspector.path());
  CHECK(client.ask({{"command", "count_time"}, {"on", true}}).at("ok") == true);
  CHECK(client.ask({{"command", "tasks"}}).at("tasks")[0].at("busy").is_null());
  const json answer = client.ask({{"command", "tasks"}});
  for (const json& task : answer.at("tasks")) {
    CHECK(task.at("wake_ups_per_s") == 0);
    CHECK(task.at("busy") == 0);
  }
  CHECK(answer.at("loops")[0].at("busy").is_number());
}

TEST_CASE("info says which program this is; dump writes its tasks as a tree") {
  const Folder folder;
  const Inspector inspector({.path = {}, .counters = [] {
                               return std::vector<std::pair<std::string, std::uint64_t>>{
                                   {"guests", 12}};
                             }});
  RunningLoop loop(1);
  Client client(inspector.path());
  const json info = client.ask({{"command", "info"}});
  CHECK(info.at("pid") == ::getpid());
  CHECK(info.at("program") == "test_core");
  CHECK(info.at("uptime_s") >= 0);
  CHECK(info.at("counters").at("guests") == 12);
  CHECK(info.at("loops")[0].at("tasks") == 2);
  const std::string text = client.ask({{"command", "dump"}}).at("text");
  CHECK(text.starts_with("main\n"));
  CHECK(text.find("\n  idle\n") != std::string::npos);
}

TEST_CASE("a wrong request gets an error, and the connection goes on") {
  const Folder folder;
  const Inspector inspector;
  Client client(inspector.path());
  auto error_of = [&](const json& request) {
    return client.ask(request).at("error").get<std::string>();
  };
  client.send("nonsense\n\n");
  CHECK(client.line() ==
        R"({"ok":false,"error":"not a request: expected an object, {...}, at byte 0"})");
  CHECK(client.line() ==
        R"({"ok":false,"error":"not a request: expected an object, {...}, at byte 0"})");
  CHECK(error_of({{"command", "x"}}) ==
        "there is no command 'x'; there are info, tasks, dump and count_time");
  CHECK(error_of({{"command", "info"}, {"x", 1}}) == "'info' has no option 'x'");
  CHECK(error_of({{"command", "tasks"}, {"limit", -1}}) ==
        "\"limit\" has to be a whole number from 0 to 20000");
  CHECK(error_of({{"command", "tasks"}, {"limit", "1"}}) == "\"limit\" has to be a number");
  CHECK(error_of({{"command", "tasks"}, {"sort", "x"}}) ==
        "\"sort\": 'x' is none of busy, wake_ups, since, frame_bytes, name");
  CHECK(error_of({{"command", "count_time"}}) == "'count_time' needs \"on\": true or false");
  CHECK(client.ask({{"command", "tasks"}}).at("ok") == true);
}

TEST_CASE("a line without an end is refused") {
  const Folder folder;
  const Inspector inspector;
  Client client(inspector.path());
  client.send(std::string(6000, 'x'));
  CHECK(client.line() == R"({"ok":false,"error":"a line of more than 4096 bytes"})");
  CHECK(client.line().empty());
}

TEST_CASE("a client may send all its requests at once and read later") {
  const Folder folder;
  const Inspector inspector;
  RunningLoop loop;
  Client client(inspector.path());
  for (int i = 0; i < 20; ++i) {
    client.send("{\"command\":\"tasks\"}\n");
  }
  client.end_sending();
  for (int i = 0; i < 20; ++i) {
    CHECK(json::parse(client.line()).at("count") == 1);
  }
  CHECK(client.line().empty());
}

TEST_CASE("clients that don't read, or say nothing, are in nobody's way") {
  const Folder folder;
  const Inspector inspector;
  RunningLoop loop(2000);
  Client silent(inspector.path());
  Client half(inspector.path());
  half.send("{\"comm");
  Client deaf(inspector.path());
  for (int i = 0; i < 100; ++i) {
    deaf.send("{\"command\":\"dump\"}\n");  // more than the socket's buffers hold
  }
  Client client(inspector.path());
  for (int i = 0; i < 10; ++i) {
    CHECK(client.ask({{"command", "tasks"}, {"limit", 1}}).at("count") == 2001);
  }
}

TEST_CASE("there is room for sixteen clients") {
  const Folder folder;
  const Inspector inspector;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 16; ++i) {
    clients.push_back(std::make_unique<Client>(inspector.path()));
    CHECK(clients.back()->ask({{"command", "info"}}).at("ok") == true);
  }
  Client more(inspector.path());
  CHECK(more.line() == R"({"ok":false,"error":"there are 16 clients already"})");
  CHECK(more.line().empty());
}

TEST_CASE("a loop that doesn't answer is said to, and the others are shown") {
  const Folder folder;
  const Inspector inspector;
  std::latch stands(1);  // these outlive the loops: who waits may look once more
  std::latch goes_on(1);
  RunningLoop good(1);
  RunningLoop stalled(1);
  stalled.loop().post([&] {
    stands.count_down();
    goes_on.wait();
  });
  stands.wait();
  Client client(inspector.path());
  const json answer = client.ask({{"command", "tasks"}});
  goes_on.count_down();
  CHECK(answer.at("count") == 2);
  REQUIRE(answer.at("loops").size() == 2);
  CHECK(answer.at("loops")[0].at("answers") == true);
  CHECK(answer.at("loops")[1].at("answers") == false);
  const std::string silence = answer.at("loops")[1].at("silence");
  CHECK(silence.starts_with("no answer for "));
  CHECK(silence.find("ms: a step holds it up") != std::string::npos);
}

TEST_CASE("loops may begin and end while they are asked") {
  const Folder folder;
  const Inspector inspector;
  std::atomic<bool> end = false;
  std::thread loops([&] {
    while (!end) {
      auto spawned = []() -> Coro<> { co_await yield_now(); };
      auto main = [&]() -> Coro<> {
        for (int i = 0; i < 300; ++i) {
          spawn(spawned);
        }
        co_await yield_now();
      };
      run(main());
    }
  });
  {
    Client client(inspector.path());
    client.ask({{"command", "count_time"}, {"on", true}});
    for (int i = 0; i < 100; ++i) {
      CHECK(client.ask({{"command", i % 2 == 0 ? "tasks" : "dump"}}).at("ok") == true);
    }
  }
  end = true;
  loops.join();
}

TEST_CASE("the time of steps is counted while a client wants it") {
  const Folder folder;
  const Inspector inspector;
  RunningLoop loop;
  Client client(inspector.path());
  auto counted = [&] {  // "busy_s" of the main task after one more step
    loop.step();
    const json task = client.ask({{"command", "tasks"}}).at("tasks")[0];
    return task.contains("busy_s") ? task.at("busy_s").get<double>() : 0;
  };
  CHECK(counted() == 0);
  client.ask({{"command", "count_time"}, {"on", true}});
  const double once = counted();
  CHECK(once > 0);
  CHECK(counted() > once);
  client.ask({{"command", "count_time"}, {"on", false}});
  const double stopped = counted();
  CHECK(counted() == stopped);
}

TEST_CASE("what the program has counted itself goes on when the last client has gone") {
  const Folder folder;
  const Inspector inspector;
  RunningLoop loop;
  loop.loop().post([&] { loop.loop().count_time(true); });
  Client client(inspector.path());
  client.ask({{"command", "count_time"}, {"on", true}});
  client.ask({{"command", "count_time"}, {"on", false}});
  loop.step();
  CHECK(client.ask({{"command", "tasks"}}).at("tasks")[0].contains("busy_s"));
}

TEST_CASE("there is one inspector per process, and its socket goes with it") {
  const Folder folder;
  std::string path;
  {
    const Inspector inspector;
    path = inspector.path();
    struct stat state{};
    CHECK(::stat(path.c_str(), &state) == 0);
    CHECK((state.st_mode & 0777) == 0600);
    CHECK(::stat((folder.path() + "/simul").c_str(), &state) == 0);
    CHECK((state.st_mode & 0777) == 0700);
    CHECK_THROWS_AS(Inspector(), std::logic_error);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  const Inspector again;
  CHECK(again.path() == path);
}

TEST_CASE(
    "a socket that a process of the same id left behind is replaced; one that is used isn't") {
  const Folder folder;
  const std::string path = folder.path() + "/x.sock";
  {
    const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    REQUIRE(::bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(left);
    const Inspector inspector({.path = path, .counters = {}});
    CHECK(Client(path).ask({{"command", "info"}}).at("ok") == true);
  }
  {
    const int used = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    REQUIRE(::bind(used, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(used, 1) == 0);
    CHECK_THROWS_AS(Inspector({.path = path, .counters = {}}), std::system_error);
    CHECK(std::filesystem::exists(path));
    ::close(used);
  }
}

TEST_CASE("a folder that others can write to, or that is a link, isn't used") {
  const Folder folder;
  const std::string theirs = folder.path() + "/simul";
  const std::string other = "/tmp/simul-" + std::to_string(::geteuid()) + "/";
  SUBCASE("open to others") {
    std::filesystem::create_directory(theirs);
    std::filesystem::permissions(theirs, std::filesystem::perms(0770));
  }
  SUBCASE("a link") {
    std::filesystem::create_directory(folder.path() + "/elsewhere");
    std::filesystem::permissions(folder.path() + "/elsewhere", std::filesystem::perms(0700));
    std::filesystem::create_directory_symlink(folder.path() + "/elsewhere", theirs);
  }
  const Inspector inspector;
  CHECK(inspector.path().starts_with(other));
}

TEST_CASE("where inspectors are found") {
  const Folder folder;
  const std::string user = std::to_string(::geteuid());
  CHECK(inspector_folders(::geteuid()) ==
        std::vector<std::string>{folder.path() + "/simul", "/tmp/simul-" + user});
  CHECK(inspector_folders(4711) ==
        std::vector<std::string>{"/run/user/4711/simul", "/tmp/simul-4711"});
}
