#include "http/access_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <simul/log.hpp>

#include "temporary_folder.hpp"

namespace simul::http {
namespace {

using testing::TemporaryFolder;
using namespace std::chrono_literals;

void note(AccessLog& log, std::string_view target) {
  const Endpoint peer = Endpoint::ipv4({192, 0, 2, 7}, 4242);
  const RequestHead head{
      .method = "GET", .target = target, .path = target, .query = {}, .host = "a"};
  log.note({.peer = peer, .head = head, .status = 200, .bytes = 1, .took = 1ms, .secure = false});
}

std::string read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

// What the server's log gets meanwhile.
class Told {
 public:
  Told() {
    set_log_sink([this](LogLevel, std::string_view message) {
      const std::scoped_lock lock(mutex_);
      messages_.emplace_back(message);
    });
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  ~Told() { set_log_sink({}); }

  std::vector<std::string> messages() {
    const std::scoped_lock lock(mutex_);
    return messages_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> messages_;
};

}  // namespace

TEST_CASE("lines are in the file when the log has ended, in their order and after older ones") {
  const TemporaryFolder folder;
  folder.write("access.log", "old\n");
  const std::filesystem::path path = folder.path() / "access.log";
  {
    AccessLog log(path, AccessFormat::common);
    log.start();
    for (int i = 0; i < 1000; ++i) {
      note(log, "/" + std::to_string(i));
    }
  }
  const std::vector<std::string> lines = lines_of(path);
  REQUIRE(lines.size() == 1001);
  CHECK(lines[0] == "old");
  for (std::size_t i = 0; i < 1000; ++i) {
    REQUIRE(lines[i + 1].contains("\"GET /" + std::to_string(i) + " HTTP/1.1\" 200 1"));
  }
}

TEST_CASE("a single line is in the file after about a second") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  AccessLog log(path, AccessFormat::common);
  log.start();
  note(log, "/");
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (read(path).empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(lines_of(path).size() == 1);
}

TEST_CASE("many lines are in the file at once") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  AccessLog log(path, AccessFormat::common);
  log.start();
  const std::string target = "/" + std::string(1000, 'x');
  const auto begin = std::chrono::steady_clock::now();
  while (read(path).empty() && std::chrono::steady_clock::now() < begin + 30s) {
    note(log, target);
  }
  CHECK(read(path).size() >= AccessLog::kWriteAt);
}

TEST_CASE("nothing is made before the start, and what was noted then isn't lost") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  AccessLog log(path, AccessFormat::common);
  note(log, "/early");
  CHECK_FALSE(std::filesystem::exists(path));
  log.start();
  CHECK(std::filesystem::exists(path));
  log.start();
  log.flush();
  CHECK(read(path).contains("/early"));
}

TEST_CASE("when the file is moved away or removed, the next lines are in a new one") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  const std::filesystem::path old = folder.path() / "access.log.1";
  AccessLog log(path, AccessFormat::common);
  log.start();
  note(log, "/1");
  log.flush();
  std::filesystem::rename(path, old);
  note(log, "/2");
  log.flush();
  CHECK(lines_of(old).size() == 1);
  CHECK(read(path).contains("/2"));

  std::filesystem::remove(path);
  note(log, "/3");
  log.flush();
  CHECK(read(path).contains("/3"));

  // As logrotate's `create` does it.
  std::filesystem::rename(path, old);
  folder.write("access.log", "");
  note(log, "/4");
  log.flush();
  CHECK(lines_of(path).size() == 1);
  CHECK(read(path).contains("/4"));

  // As `copytruncate` does it.
  std::filesystem::resize_file(path, 0);
  note(log, "/5");
  log.flush();
  CHECK(read(path).starts_with("192.0.2.7 "));
}

TEST_CASE("a folder that has vanished costs lines, and the log comes back with it") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "logs/access.log";
  folder.write("logs/access.log", "");
  Told told;
  AccessLog log(path, AccessFormat::common);
  log.start();
  std::filesystem::remove_all(folder.path() / "logs");
  note(log, "/1");
  note(log, "/2");
  log.flush();
  REQUIRE(told.messages().size() == 1);
  CHECK(told.messages()[0] ==
        "access log '" + path.string() + "': No such file or directory; 2 lines were lost");
  note(log, "/3");
  log.flush();
  CHECK(told.messages().size() == 1);  // once is enough for a while
  std::filesystem::create_directory(folder.path() / "logs");
  note(log, "/4");
  log.flush();
  CHECK(lines_of(path).size() == 1);
  CHECK(read(path).contains("/4"));
}

TEST_CASE("one that was moved away takes lines as long as there can't be a new one") {
  if (::geteuid() == 0) {
    return;  // whom no folder refuses
  }
  const TemporaryFolder folder;
  const std::filesystem::path logs = folder.path() / "logs";
  folder.write("logs/access.log", "");
  AccessLog log(logs / "access.log", AccessFormat::common);
  log.start();
  std::filesystem::rename(logs / "access.log", logs / "access.log.1");
  std::filesystem::permissions(logs, std::filesystem::perms(0500));
  note(log, "/1");
  log.flush();
  std::filesystem::permissions(logs, std::filesystem::perms(0700));
  CHECK(read(logs / "access.log.1").contains("/1"));
}

TEST_CASE("a disk that is full costs lines, which are counted, and nothing else") {
  Told told;
  {
    AccessLog log("/dev/full", AccessFormat::common);
    log.start();
    note(log, "/1");
    log.flush();
    note(log, "/2");
    note(log, "/3");
    log.flush();
    CHECK(told.messages().size() == 1);
  }
  REQUIRE(told.messages().size() == 2);
  CHECK(told.messages()[0] == "access log '/dev/full': No space left on device; 1 line was lost");
  CHECK(told.messages()[1] == "access log '/dev/full': No space left on device; 2 lines were lost");
}

TEST_CASE("what nobody reads takes no more than its buffer, and doesn't hold up the end") {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  Told told;
  const std::string target = "/" + std::string(1000, 'x');
  {
    AccessLog log(path, AccessFormat::common);
    log.start();
    for (int i = 0; i < 5000; ++i) {
      note(log, target);
    }
  }
  CHECK_FALSE(told.messages().empty());
  std::string text(std::size_t{1} << 20, '\0');
  const ssize_t count = ::read(reader, text.data(), text.size());
  REQUIRE(count > 0);
  CHECK(text.starts_with("192.0.2.7 "));
  ::close(reader);
}

TEST_CASE("after a line that was written in part there is a new line") {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  const auto drain = [reader] {
    std::string text;
    std::string part(65536, '\0');
    for (ssize_t count = 0; (count = ::read(reader, part.data(), part.size())) > 0;) {
      text.append(part, 0, static_cast<std::size_t>(count));
    }
    return text;
  };
  LogFile file(path);
  std::size_t written = 0;
  CHECK(file.append(std::string(200'000, 'x') + "\n", written) == std::errc::timed_out);
  CHECK(written > 0);
  drain();
  CHECK_FALSE(file.append("next\n", written));
  CHECK(written == 5);
  CHECK(drain() == "\nnext\n");
  ::close(reader);
}

TEST_CASE("memory is bounded, and lines without room are counted") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  Told told;
  std::size_t noted = 0;
  {
    AccessLog log(path,
                  AccessFormat::common);  // which nobody has started, so that nothing is written
    const std::string target = "/" + std::string(10'000, 'x');
    for (; noted < 200; ++noted) {
      note(log, target);
    }
  }
  const std::size_t written = lines_of(path).size();
  CHECK(written < 110);
  CHECK(written > 90);
  REQUIRE(told.messages().size() == 1);
  CHECK(told.messages()[0].contains(": lines came faster than they could be written; "));
  CHECK(told.messages()[0].ends_with("; " + std::to_string(noted - written) + " lines were lost"));
}

TEST_CASE("several threads and a rotation lose and tear no line") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "access.log";
  constexpr int kThreads = 4;
  constexpr int kLines = 2000;
  {
    AccessLog log(path, AccessFormat::combined);
    log.start();
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&log] {
        for (int line = 0; line < kLines; ++line) {
          note(log, "/x");
        }
      });
    }
    log.flush();
    std::error_code ignored;
    std::filesystem::rename(path, folder.path() / "access.log.1", ignored);
    log.flush();
  }
  std::size_t count = 0;
  for (const char* name : {"access.log", "access.log.1"}) {
    for (const std::string& line : lines_of(folder.path() / name)) {
      REQUIRE(line.starts_with("192.0.2.7 - - ["));
      REQUIRE(line.ends_with("] \"GET /x HTTP/1.1\" 200 1 \"-\" \"-\""));
      ++count;
    }
  }
  CHECK(count == std::size_t{kThreads} * kLines);
}

TEST_CASE("a log that can't be is refused at once, with its name") {
  const TemporaryFolder folder;
  const std::string missing = folder.path() / "missing/access.log";
  CHECK_THROWS_WITH_AS(AccessLog(missing, AccessFormat::common),
                       ("access_log: '" + missing + "': No such file or directory").c_str(),
                       std::invalid_argument);
  CHECK_THROWS_AS(AccessLog(folder.path(), AccessFormat::common), std::invalid_argument);
}

}  // namespace simul::http
