#include <simul/socket.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include <simul/acquire_listeners.hpp>

#include "harness.hpp"

using namespace simul;
using namespace simul::test;

namespace {

Endpoint loopback(std::uint16_t port = 0) { return Endpoint::ipv4({127, 0, 0, 1}, port); }

/// A folder of its own under /tmp, for the files of Unix sockets.
struct Folder {
  Folder() {
    char text[] = "/tmp/simul-test-XXXXXX";
    REQUIRE(mkdtemp(text) != nullptr);
    path = text;
  }
  ~Folder() { (void)!std::system(("rm -rf " + path).c_str()); }
  std::string path;
};

/// Runs `body` in a child process; its result is the exit status.
template <typename Fn>
int in_child(Fn body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 99;
    try {
      status = body();
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

int option(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  ::getsockopt(fd, level, name, &value, &length);
  return value;
}

std::string text_of_failure(const ListenerConfig& config, std::size_t loops = 1) {
  try {
    (void)acquire_listeners(std::span(&config, 1), loops);
  } catch (const std::system_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("sockets") {
  TEST_CASE("a connection is accepted with the peer's address") {
    run([]() -> Coro<> {
      SocketListener listener = listen(loopback());
      CHECK(listener.local_endpoint().port() != 0);
      Task<std::string> server = spawn([&]() -> Coro<std::string> {
        auto accepted = co_await listener.accept();
        REQUIRE(accepted.has_value());
        CHECK((co_await accepted->stream.send("welcome")).has_value());
        CHECK(accepted->peer == accepted->stream.peer_endpoint());
        co_return accepted->peer.to_string();
      });
      auto client = co_await connect(listener.local_endpoint());
      REQUIRE(client.has_value());
      CHECK((co_await client->recv())->text() == "welcome");
      CHECK(co_await server == client->local_endpoint().to_string());
      CHECK(client->peer_endpoint() == listener.local_endpoint());
    }());
  }

  TEST_CASE("sockets are CLOEXEC, non-blocking, and without Nagle's delay") {
    run([]() -> Coro<> {
      SocketListener listener = listen(loopback());
      auto client = co_await connect(listener.local_endpoint());
      auto accepted = co_await listener.accept();
      for (const int fd :
           {listener.native_handle(), client->native_handle(), accepted->stream.native_handle()}) {
        CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
        CHECK(option(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
      }
    }());
  }

  TEST_CASE("a refused connection is a value") {
    run([]() -> Coro<> {
      Endpoint nobody;
      {
        SocketListener listener = listen(loopback());
        nobody = listener.local_endpoint();
      }
      const std::size_t before = open_fds();
      auto client = co_await connect(nobody);
      REQUIRE_FALSE(client.has_value());
      CHECK(client.error() == std::errc::connection_refused);
      CHECK(open_fds() == before);
      auto missing = co_await connect(Endpoint::local("/tmp/simul-nobody.sock"));
      CHECK(missing.error() == std::errc::no_such_file_or_directory);
      auto nowhere = co_await connect(Endpoint());
      CHECK_FALSE(nowhere.has_value());
      CHECK(open_fds() == before);
    }());
  }

  TEST_CASE("the source address of a connection can be chosen") {
    run([]() -> Coro<> {
      SocketListener listener = listen(loopback());
      auto client = co_await connect(listener.local_endpoint(),
                                     {.source = Endpoint::ipv4({127, 0, 0, 9}, 0)});
      REQUIRE(client.has_value());
      auto accepted = co_await listener.accept();
      CHECK(accepted->peer.to_string().starts_with("127.0.0.9:"));
      auto refused = co_await connect(listener.local_endpoint(),
                                      {.source = Endpoint::ipv4({192, 0, 2, 1}, 0)});
      CHECK(refused.error() == std::errc::address_not_available);
    }());
  }

  TEST_CASE("many connections are accepted, none is lost, however accept is cancelled between") {
    run([]() -> Coro<> {
      SocketListener listener = listen(loopback());
      constexpr int kCount = 300;
      int accepted = 0;
      std::vector<SocketStream> clients;
      Task<> connector = spawn([&]() -> Coro<> {
        for (int i = 0; i < kCount; ++i) {
          auto client = co_await connect(listener.local_endpoint());
          REQUIRE(client.has_value());
          clients.push_back(std::move(*client));
        }
      });
      for (int round = 0; accepted < kCount; ++round) {
        Task<> acceptor = spawn([&]() -> Coro<> {
          for (;;) {
            auto peer = co_await listener.accept();
            REQUIRE(peer.has_value());
            ++accepted;
          }
        });
        co_await settle(1 + round % 5);
        acceptor.cancel();
        CHECK_THROWS_AS(co_await acceptor, TaskCancelled);
      }
      CHECK(accepted == kCount);
      co_await connector;
    }());
  }

  TEST_CASE("a burst of connections doesn't starve the others: accept yields too") {
    run([]() -> Coro<> {
      SocketListener listener = listen(loopback());
      std::vector<SocketStream> clients;
      for (int i = 0; i < 300; ++i) {
        clients.push_back(*co_await connect(listener.local_endpoint()));
      }
      co_await yield_now();
      int accepted = 0;
      std::vector<int> seen;
      Task<> acceptor = spawn([&]() -> Coro<> {
        while (accepted < 300) {
          CHECK((co_await listener.accept()).has_value());
          ++accepted;
        }
      });
      Task<> other = spawn([&]() -> Coro<> {
        while (accepted < 300) {
          seen.push_back(accepted);
          co_await yield_now();
        }
      });
      co_await acceptor;
      co_await other;
      REQUIRE(seen.size() >= 2);
      CHECK(seen[0] == 128);
    }());
  }

  TEST_CASE("closing a listener wakes who accepts, and later accepts say closed") {
    run([]() -> Coro<> {
      SocketListener listener = listen(loopback());
      Task<> acceptor = spawn([&]() -> Coro<> {
        auto peer = co_await listener.accept();
        REQUIRE_FALSE(peer.has_value());
        CHECK(peer.error() == Errc::closed);
      });
      co_await settle();
      listener.close();
      listener.close();
      co_await acceptor;
      CHECK((co_await listener.accept()).error() == Errc::closed);
    }());
  }

  TEST_CASE("two who accept from one listener: the second gets an error, not a crash") {
    run([]() -> Coro<> {
      SocketListener listener = listen(loopback());
      Task<> first = spawn([&]() -> Coro<> { CHECK((co_await listener.accept()).has_value()); });
      co_await settle();
      Task<> second = spawn([&]() -> Coro<> {
        bool refused = false;
        try {
          refused = !(co_await listener.accept()).has_value();
        } catch (const std::logic_error&) {
          refused = true;
        }
        CHECK(refused);
      });
      co_await second;
      auto client = co_await connect(listener.local_endpoint());
      co_await first;
    }());
  }

  TEST_CASE("running out of descriptors is a value, and accepting goes on afterwards") {
    const int status = in_child([] {
      int result = 1;
      run([](int& out) -> Coro<> {
        SocketListener listener = listen(loopback());
        auto client = co_await connect(listener.local_endpoint());
        if (!client) {
          co_return;
        }
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        std::vector<int> hoard;
        rlimit small = limit;
        small.rlim_cur = 64;
        ::setrlimit(RLIMIT_NOFILE, &small);
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
          hoard.push_back(fd);
        }
        auto refused = co_await listener.accept();
        const bool told = !refused && refused.error() == std::errc::too_many_files_open;
        auto again = co_await connect(listener.local_endpoint());
        const bool told_too = !again && again.error() == std::errc::too_many_files_open;
        ::close(hoard.back());
        auto accepted = co_await listener.accept();
        out = told && told_too && accepted ? 0 : 2;
      }(result));
      return result;
    });
    CHECK(status == 0);
  }

  TEST_CASE("Unix sockets connect by path") {
    const Folder folder;
    run([](std::string path) -> Coro<> {
      SocketListener listener = listen(Endpoint::local(path));
      auto client = co_await connect(Endpoint::local(path));
      REQUIRE(client.has_value());
      auto accepted = co_await listener.accept();
      REQUIRE(accepted.has_value());
      CHECK((co_await client->send("hi")).has_value());
      CHECK((co_await accepted->stream.recv())->text() == "hi");
      CHECK(listener.local_endpoint().path() == path);
    }(folder.path + "/a.sock"));
  }

  TEST_CASE("the file of a Unix socket that nobody listens on is replaced, a live one is refused") {
    const Folder folder;
    const Endpoint endpoint = Endpoint::local(folder.path + "/a.sock");
    {
      SocketListener listener = listen(endpoint);
      CHECK_THROWS_AS((void)listen(endpoint), std::system_error);
      listener.close();  // leaves its file behind
    }
    struct stat status{};
    CHECK(::stat(std::string(endpoint.path()).c_str(), &status) == 0);
    SocketListener again = listen(endpoint);
    CHECK(again.native_handle() >= 0);
  }

  TEST_CASE("a file that is no socket is never removed") {
    const Folder folder;
    const std::string path = folder.path + "/precious";
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ::close(fd);
    CHECK_THROWS_AS((void)listen(Endpoint::local(path)), std::system_error);
    struct stat status{};
    CHECK(::stat(path.c_str(), &status) == 0);
    CHECK(S_ISREG(status.st_mode));
  }
}

TEST_SUITE("acquire_listeners") {
  TEST_CASE("port 0 becomes one real port for the whole group") {
    const ListenerConfig config{.name = "echo", .endpoint = loopback()};
    const auto acquired = acquire_listeners(std::span(&config, 1), 4);
    REQUIRE(acquired.size() == 1);
    REQUIRE(acquired[0].sockets.size() == 4);
    CHECK(acquired[0].endpoint.port() != 0);
    for (const SocketListener& socket : acquired[0].sockets) {
      CHECK(socket.local_endpoint() == acquired[0].endpoint);
    }
  }

  TEST_CASE("a second server gets EADDRINUSE, with a text that names listener and address") {
    const ListenerConfig config{.name = "echo", .endpoint = loopback()};
    const auto acquired = acquire_listeners(std::span(&config, 1), 4);
    const ListenerConfig second{.name = "rival", .endpoint = acquired[0].endpoint};
    for (const std::size_t loops : {1u, 4u}) {
      CHECK(text_of_failure(second, loops) ==
            "listener 'rival': " + acquired[0].endpoint.to_string() + ": Address already in use");
    }
    CHECK_THROWS_AS((void)listen(acquired[0].endpoint), std::system_error);
  }

  TEST_CASE("the group's sockets share the connections") {
    const ListenerConfig config{.name = "echo", .endpoint = loopback()};
    auto acquired = acquire_listeners(std::span(&config, 1), 4);
    run([](std::vector<SocketListener>& sockets) -> Coro<> {
      std::vector<int> counts(sockets.size());
      std::vector<SocketStream> clients;
      int total = 0;
      co_await with_group([&](TaskGroup& group) -> Coro<> {
        for (std::size_t i = 0; i < sockets.size(); ++i) {
          group.spawn(
              [&](std::size_t n) -> Coro<> {
                for (;;) {
                  auto peer = co_await sockets[n].accept();  // (a CHECK would swallow Cancelled)
                  CHECK(peer.has_value());
                  ++counts[n];
                  if (++total == 400) {
                    group.cancel();
                  }
                }
              },
              i);
        }
        for (int i = 0; i < 400; ++i) {
          auto client = co_await connect(sockets[0].local_endpoint());
          REQUIRE(client.has_value());
          clients.push_back(std::move(*client));
        }
      });
      CHECK(total == 400);
      for (const int count : counts) {
        CHECK(count > 20);  // 100 each, on the average
      }
    }(acquired[0].sockets));
  }

  TEST_CASE("a Unix listener has one socket, shared by all loops") {
    const Folder folder;
    const ListenerConfig config{.name = "local",
                                .endpoint = Endpoint::local(folder.path + "/a.sock")};
    const auto acquired = acquire_listeners(std::span(&config, 1), 3);
    REQUIRE(acquired[0].sockets.size() == 3);
    struct stat first{};
    ::fstat(acquired[0].sockets[0].native_handle(), &first);
    for (const SocketListener& socket : acquired[0].sockets) {
      struct stat status{};
      ::fstat(socket.native_handle(), &status);
      CHECK(status.st_ino == first.st_ino);
    }
    CHECK(text_of_failure(config).find("Address already in use") != std::string::npos);
  }

  TEST_CASE("an inherited socket is taken and not bound") {
    SocketListener original = listen(loopback());
    const Endpoint endpoint = original.local_endpoint();
    struct stat before{};
    ::fstat(original.native_handle(), &before);
    const int inherited_fd = ::fcntl(original.native_handle(), F_DUPFD, 0);
    const InheritedSocket inherited{.endpoint = endpoint, .fd = inherited_fd};
    const ListenerConfig config{.name = "echo", .endpoint = endpoint};
    {
      const auto acquired = acquire_listeners(std::span(&config, 1), 3, std::span(&inherited, 1));
      REQUIRE(acquired[0].sockets.size() == 3);
      for (const SocketListener& socket : acquired[0].sockets) {
        struct stat status{};
        ::fstat(socket.native_handle(), &status);
        CHECK(status.st_ino == before.st_ino);
        CHECK((::fcntl(socket.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
      }
    }
    // They were closed, not shut down: the queue still takes connections.
    run([](SocketListener& listener) -> Coro<> {
      auto client = co_await connect(listener.local_endpoint());
      CHECK(client.has_value());
      CHECK((co_await listener.accept()).has_value());
    }(original));
  }

  TEST_CASE("more inherited sockets than loops are all taken") {
    const ListenerConfig config{.name = "echo", .endpoint = loopback()};
    const auto first = acquire_listeners(std::span(&config, 1), 4);
    std::vector<InheritedSocket> inherited;
    for (const SocketListener& socket : first[0].sockets) {
      inherited.push_back({first[0].endpoint, ::fcntl(socket.native_handle(), F_DUPFD_CLOEXEC, 0)});
    }
    const ListenerConfig same{.name = "echo", .endpoint = first[0].endpoint};
    const auto second = acquire_listeners(std::span(&same, 1), 2, inherited);
    CHECK(second[0].sockets.size() == 4);
  }

  TEST_CASE("all are taken or none: after a failure nothing is left bound") {
    SocketListener taken = listen(loopback());
    std::vector<ListenerConfig> configs;
    Endpoint free_port;
    {
      SocketListener probe = listen(loopback());
      free_port = probe.local_endpoint();
    }
    configs.push_back({.name = "good", .endpoint = free_port});
    configs.push_back({.name = "bad", .endpoint = taken.local_endpoint()});
    const std::size_t before = open_fds();
    CHECK_THROWS_AS((void)acquire_listeners(configs, 2), std::system_error);
    CHECK(open_fds() == before);
    CHECK(listen(free_port).native_handle() >= 0);
  }

  TEST_CASE("after a failure the inherited sockets are still open: the running server goes on") {
    SocketListener original = listen(loopback());
    SocketListener taken = listen(loopback());
    const int fd = ::fcntl(original.native_handle(), F_DUPFD_CLOEXEC, 0);
    const InheritedSocket inherited{.endpoint = original.local_endpoint(), .fd = fd};
    const std::vector<ListenerConfig> configs = {
        {.name = "good", .endpoint = original.local_endpoint()},
        {.name = "bad", .endpoint = taken.local_endpoint()}};
    const std::size_t before = open_fds();
    CHECK_THROWS_AS((void)acquire_listeners(configs, 3, std::span(&inherited, 1)),
                    std::system_error);
    CHECK(open_fds() == before);
    const SocketListener still(fd);
    CHECK(still.local_endpoint() == original.local_endpoint());
  }

  TEST_CASE("errors name the address and the cause") {
    CHECK(text_of_failure({.name = "web", .endpoint = *Endpoint::parse("192.0.2.1:8080")}) ==
          "listener 'web': 192.0.2.1:8080: Cannot assign requested address");
    CHECK(text_of_failure({.name = "web", .endpoint = Endpoint::local("/nowhere/a.sock")}) ==
          "listener 'web': unix:/nowhere/a.sock: No such file or directory");
    try {
      (void)listen(*Endpoint::parse("192.0.2.1:8080"));
      FAIL("must throw");
    } catch (const std::system_error& error) {
      CHECK(std::string(error.what()) == "192.0.2.1:8080: Cannot assign requested address");
    }
  }
}
