#include "http/static_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "../served.hpp"
#include "http/open_beneath.hpp"
#include "replies.hpp"
#include "temporary_folder.hpp"

namespace simul::http {
namespace {

using testing::parse_replies;
using testing::Reply;
using testing::Served;
using testing::TemporaryFolder;

// outside/secret.txt, and the root beside it.
struct Tree {
  Tree() {
    folder.write("outside/secret.txt", "secret");
    folder.write("root/index.html", "<p>home");
    folder.write("root/a b.TXT", "text");
    folder.write("root/data", "data");
    folder.write("root/empty.css", "");
    folder.write("root/docs/index.html", "<p>docs");
    folder.write("root/docs/x.json", "{}");
    folder.write("root/bare/file.js", "1");
    folder.write("root/.hidden", "secret");
    folder.write("root/.git/config", "secret");
    root = folder.path() / "root";
  }
  TemporaryFolder folder;
  std::filesystem::path root;
};

Served serve(const Tree& tree) {
  return Served("http", [&](OptionValues& options) {
    options.set("root", tree.root.string());
    options.set("routes", OptionMap{{"/data", "a route goes first"}});
  });
}

std::string request(std::string_view method, std::string_view path) {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

Reply get(const Tree& tree, std::string_view path) {
  const std::vector<Reply> replies = parse_replies(serve(tree).talk(request("GET", path)));
  REQUIRE(replies.size() == 1);
  return replies[0];
}

}  // namespace

TEST_CASE("a file is served with its type, length and age") {
  const Tree tree;
  const timespec times[2] = {{.tv_sec = 784111777, .tv_nsec = 0},
                             {.tv_sec = 784111777, .tv_nsec = 0}};
  REQUIRE(::utimensat(AT_FDCWD, (tree.root / "docs/x.json").c_str(), times, 0) == 0);
  const Reply reply = get(tree, "/docs/x.json?v=1");
  CHECK(reply.status == 200);
  CHECK(reply.body == "{}");
  CHECK(reply.says("Content-Type: application/json"));
  CHECK(reply.says("Content-Length: 2"));
  CHECK(reply.says("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"));

  CHECK(get(tree, "/a%20b.TXT").says("Content-Type: text/plain; charset=utf-8"));
  CHECK(get(tree, "/empty.css").says("Content-Length: 0"));
  CHECK(get(tree, "/data").body == "a route goes first");
  CHECK(get(tree, "/none").status == 404);
  CHECK(get(tree, "/docs/x.json/").status == 404);
  CHECK(get(tree, "/docs/x.json/y").status == 404);
  CHECK(get(tree, "/" + std::string(300, 'a')).status == 404);
  CHECK(get(tree, "/" + std::string(6000, 'a')).status == 404);
}

TEST_CASE("HEAD of a file gives its head only, and other methods are not allowed") {
  const Tree tree;
  const std::string output = serve(tree).talk(request("HEAD", "/docs/x.json"));
  CHECK(output.contains("Content-Length: 2\r\n"));
  CHECK(output.ends_with("\r\n\r\n"));
  const std::vector<Reply> replies =
      parse_replies(serve(tree).talk(request("POST", "/docs/x.json")));
  CHECK(replies.at(0).status == 405);
}

TEST_CASE("a folder is served by its index file, under a path with a slash") {
  const Tree tree;
  CHECK(get(tree, "/").body == "<p>home");
  CHECK(get(tree, "/docs/").body == "<p>docs");
  CHECK(get(tree, "/docs/").says("Content-Type: text/html; charset=utf-8"));
  CHECK(get(tree, "/docs").status == 301);
  CHECK(get(tree, "/docs").says("Location: /docs/"));
  CHECK(get(tree, "/d%6Fcs?a=b").says("Location: /d%6Fcs/?a=b"));
  CHECK(get(tree, "/bare/").status == 404);
}

TEST_CASE("a redirect leads to no other host") {
  const Tree tree;
  std::filesystem::create_directory(tree.root / "example.org");
  for (const std::string_view path :
       {"//example.org", "///example.org", "/%2Fexample.org", "/docs//"}) {
    CAPTURE(path);
    const Reply reply = get(tree, path);
    CHECK(reply.status >= 400);
    CHECK(reply.field("Location").empty());
  }
}

TEST_CASE("nothing outside of the root can be reached") {
  const Tree tree;
  std::filesystem::create_symlink("../outside/secret.txt", tree.root / "link");
  std::filesystem::create_symlink("../outside", tree.root / "folder");
  std::filesystem::create_symlink(tree.folder.path() / "outside/secret.txt",
                                  tree.root / "absolute");
  std::filesystem::create_symlink("/proc/self/cwd", tree.root / "magic");
  std::filesystem::create_symlink("loop", tree.root / "loop");
  std::filesystem::create_symlink("docs/x.json", tree.root / "inside");
  for (const std::string_view path : {"/../outside/secret.txt",
                                      "/docs/../../outside/secret.txt",
                                      "/%2e%2e/outside/secret.txt",
                                      "/.%2e/outside/secret.txt",
                                      "/%2E%2E%2Foutside%2Fsecret.txt",
                                      "/..%2foutside/secret.txt",
                                      "/docs/..%2f..%2foutside/secret.txt",
                                      "/%252e%252e/outside/secret.txt",
                                      "/..\\outside\\secret.txt",
                                      "/..%5coutside%5csecret.txt",
                                      "/docs/..",
                                      "/./data",
                                      "/.",
                                      "/..",
                                      "/..;/outside/secret.txt",
                                      "/%c0%ae%c0%ae/outside/secret.txt",
                                      "/link",
                                      "/folder/secret.txt",
                                      "/folder/",
                                      "/absolute",
                                      "/magic/x",
                                      "/loop",
                                      "/docs/x.json%00.html",
                                      "/%00",
                                      "//etc/passwd",
                                      "/etc/passwd",
                                      "http://a/../outside/secret.txt",
                                      "http://a/..%2foutside/secret.txt"}) {
    CAPTURE(path);
    const Reply reply = get(tree, path);
    CHECK(reply.status >= 400);
    CHECK(reply.status < 500);
    CHECK_FALSE(reply.body.contains("secret"));
  }
  CHECK(get(tree, "/inside").body == "{}");
}

TEST_CASE("names that begin with a dot are hidden") {
  const Tree tree;
  CHECK(get(tree, "/.hidden").status == 404);
  CHECK(get(tree, "/%2ehidden").status == 404);
  CHECK(get(tree, "/.git/config").status == 404);
  CHECK(get(tree, "/docs/.x").status == 404);
}

TEST_CASE("what isn't a file, or may not be read, is not served") {
  const Tree tree;
  REQUIRE(::mkfifo((tree.root / "pipe").c_str(), 0666) == 0);
  CHECK(get(tree, "/pipe").status == 404);
  if (::geteuid() != 0) {
    tree.folder.write("root/locked", "secret");
    REQUIRE(::chmod((tree.root / "locked").c_str(), 0) == 0);
    CHECK(get(tree, "/locked").status == 403);
  }
}

TEST_CASE("a large file is streamed, and the next request is answered after it") {
  const Tree tree;
  std::string content;
  for (int i = 0; content.size() < 3'000'000; ++i) {
    content += std::to_string(i) + "\n";
  }
  tree.folder.write("root/large.bin", content);
  const std::vector<Reply> replies = parse_replies(
      serve(tree).talk(request("GET", "/large.bin") + request("GET", "/docs/x.json")));
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].body == content);
  CHECK(replies[0].says("Content-Type: application/octet-stream"));
  CHECK(replies[1].body == "{}");
}

TEST_CASE("small files that are asked for together leave with one send") {
  const Tree tree;
  Served served = serve(tree);
  std::string input;
  for (int i = 0; i < 20; ++i) {
    input += request("GET", "/docs/x.json");
  }
  CHECK(parse_replies(served.talk(input)).size() == 20);
  CHECK(served.sends() == 1);
}

TEST_CASE("a file that becomes shorter while it is sent ends the connection, and not as if whole") {
  const Tree tree;
  const std::filesystem::path file = tree.root / "large.bin";
  tree.folder.write("root/large.bin", std::string(1'000'000, 'x'));
  Served served = serve(tree);
  served.run([&](MemoryStream& client) -> Coro<> {
    const std::string input = request("GET", "/large.bin");
    (void)co_await client.send(input);
    std::string output;
    co_await Served::read_size(client, output, 1000);
    std::filesystem::resize_file(file, 1000);
    co_await Served::read_to_end(client, output);
    CHECK(output.size() < 1'000'000);
    const auto rest = co_await client.recv();
    REQUIRE_FALSE(rest.has_value());
    CHECK(rest.error() != Errc::end_of_stream);
  });
}

TEST_CASE("files are closed when they were sent, or when nobody wants them any more") {
  const Tree tree;
  tree.folder.write("root/large.bin", std::string(1'000'000, 'x'));
  const auto open_files = [] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd")) {
      ++count;
    }
    return count;
  };
  Served served = serve(tree);
  (void)served.talk(request("GET", "/"));
  const std::size_t before = open_files();
  (void)served.talk(request("GET", "/") + request("HEAD", "/large.bin") + request("GET", "/docs"));
  served.run([&](MemoryStream& client) -> Coro<> {
    const std::string input = request("GET", "/large.bin");
    (void)co_await client.send(input);
    client.close(Stream::CloseMode::abort);
  });
  CHECK(open_files() == before);
}

TEST_CASE("without openat2, paths are followed by hand, and symlinks not at all") {
  const Tree tree;
  std::filesystem::create_symlink("docs", tree.root / "folder");
  std::filesystem::create_symlink("docs/x.json", tree.root / "link");
  const int root = ::open(tree.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  const auto opens = [&](const char* path) {
    const int fd = open_without_symlinks(root, path);
    if (fd >= 0) {
      ::close(fd);
    }
    return fd >= 0;
  };
  CHECK(opens("data"));
  CHECK(opens("docs/x.json"));
  CHECK(opens("docs"));
  CHECK_FALSE(opens("none"));
  CHECK_FALSE(opens("docs/none"));
  CHECK_FALSE(opens("link"));
  CHECK_FALSE(opens("folder/x.json"));
  CHECK_FALSE(opens("../outside/secret.txt"));
  CHECK_FALSE(opens("docs/../../outside/secret.txt"));
  CHECK_FALSE(opens("/etc/passwd"));
  CHECK_FALSE(opens(std::string(300, 'a').c_str()));
  ::close(root);
}

}  // namespace simul::http
