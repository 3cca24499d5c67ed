// What StaticFiles and serve_file() answer, without a connection.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>
#include <zlib.h>

#include <simul/http/file.hpp>
#include <simul/http/http_error.hpp>
#include <simul/loop.hpp>
#include <simul/sleep.hpp>
#include <simul/testing/virtual_clock.hpp>

#include "fake_request.hpp"
#include "http/read_file.hpp"
#include "http/response_access.hpp"
#include "http/static_files.hpp"
#include "temporary_folder.hpp"

namespace simul::http {
namespace {

using namespace std::chrono_literals;
using testing::TemporaryFolder;

constexpr std::time_t kOld = 784111777;
constexpr std::string_view kOldDate = "Sun, 06 Nov 1994 08:49:37 GMT";

void set_modified(const std::filesystem::path& path, std::time_t time) {
  const timespec times[2] = {{.tv_sec = time, .tv_nsec = 0}, {.tv_sec = time, .tv_nsec = 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

std::string digits(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) {
    text += std::to_string(i % 1000) + " ";
  }
  text.resize(size);
  return text;
}

struct Tree {
  TemporaryFolder folder;

  void write(const std::string& name, std::string_view content, std::time_t modified = kOld) const {
    folder.write(name, content);
    set_modified(folder.path() / name, modified);
  }
  [[nodiscard]] StaticFiles files(StaticFileOptions options = {}) const {
    return StaticFiles(folder.path().string(), std::move(options));
  }
};

class Collector final : public BodyWriter {
 public:
  Coro<Result> write(std::string_view text) override {
    pieces.emplace_back(text);
    co_return Result();
  }
  void trailer(std::string_view, std::string_view) override {}
  std::vector<std::string> pieces;
};

std::string read_body(const detail::FileBody& body) {
  std::string text;
  for (const auto& part : body.parts) {
    std::string content(part.size, '\0');
    REQUIRE(read_file(*body.file, part.offset, content));
    text += part.before + content;
  }
  return text + body.after;
}

std::string body_of(const Response& response) {
  if (const auto text = response.text_body()) {
    return std::string(*text);
  }
  const auto& body = detail::ResponseAccess::body(response);
  if (const auto* const file = std::get_if<detail::FileBody>(&body)) {
    return read_body(*file);
  }
  Collector collector;
  const auto collect = [&]() -> Coro<> {
    co_await std::get<detail::StreamBody>(body).produce(collector);
  };
  run(collect());
  std::string text;
  for (const std::string& piece : collector.pieces) {
    text += piece;
  }
  return text;
}

struct Answer {
  int status;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;

  explicit Answer(const Response& response) : status(response.status()), body(body_of(response)) {
    for (const std::string_view name :
         {"Content-Type", "Content-Range", "Content-Encoding", "ETag", "Last-Modified", "Vary",
          "Accept-Ranges", "Location", "X-Content-Type-Options"}) {
      if (const auto value = response.header(name)) {
        fields.emplace_back(name, *value);
      }
    }
  }
  [[nodiscard]] std::string operator[](std::string_view name) const {
    const auto found = std::ranges::find(fields, name, &std::pair<std::string, std::string>::first);
    return found == fields.end() ? std::string() : found->second;
  }
};

Answer ask(const StaticFiles& files, std::string_view path, std::string_view fields = {},
           std::string_view method = "GET") {
  FakeRequest fake(method, path, fields);
  return Answer(files.respond(fake.request(), std::string(fake.head().path)));
}

std::string line(std::string_view name, std::string_view value) {
  return std::string(name).append(": ").append(value).append("\r\n");
}

std::string gunzip(std::string_view compressed) {
  z_stream stream{};
  REQUIRE(::inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string text(std::size_t{4} << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  CHECK(::inflate(&stream, Z_FINISH) == Z_STREAM_END);
  CHECK(stream.avail_in == 0);
  text.resize(text.size() - stream.avail_out);
  ::inflateEnd(&stream);
  return text;
}

// How many of the process's descriptors are open on what lies below `folder`.
std::size_t open_below(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(entry.path(), ignored);
    count += target.native().starts_with(folder.native() + "/") ? 1 : 0;
  }
  return count;
}

// In a loop whose time jumps.
void run_virtually(const std::function<Coro<>()>& program) {
  VirtualClock clock;
  Loop loop(clock);
  loop.run_until_complete(program());
}

}  // namespace

TEST_CASE("an answer with a file has validators, and says that it knows ranges") {
  const Tree tree;
  tree.write("a.txt", "0123456789");
  const StaticFiles files = tree.files();
  const Answer answer = ask(files, "/a.txt");
  CHECK(answer.status == 200);
  CHECK(answer.body == "0123456789");
  CHECK(answer["Content-Type"] == "text/plain; charset=utf-8");
  CHECK(answer["Last-Modified"] == kOldDate);
  CHECK(answer["ETag"].starts_with('"'));
  CHECK(answer["Accept-Ranges"] == "bytes");
  CHECK(answer["X-Content-Type-Options"] == "nosniff");
  CHECK(answer["Vary"].empty());
}

TEST_CASE("an entity tag is another one when size, time or file are") {
  const Tree tree;
  tree.write("a", "1");
  const StaticFiles files = tree.files();
  const auto tag = [&] { return Answer(ask(files, "/a"))["ETag"]; };
  std::vector<std::string> tags;
  run_virtually([&]() -> Coro<> {
    tags.push_back(tag());
    tree.write("a", "12");
    co_await sleep(1s);
    tags.push_back(tag());
    tree.write("a", "12", kOld + 1);
    co_await sleep(1s);
    tags.push_back(tag());
    tree.write("b", "12", kOld + 1);
    std::filesystem::rename(tree.folder.path() / "b", tree.folder.path() / "a");
    co_await sleep(1s);
    tags.push_back(tag());
    co_await sleep(1s);
    CHECK(tag() == tags.back());
  });
  std::ranges::sort(tags);
  CHECK(std::ranges::adjacent_find(tags) == tags.end());
  CHECK(tags.size() == 4);
}

TEST_CASE("who has the file already gets 304 with its tag and nothing else") {
  const Tree tree;
  tree.write("a.txt", digits(1000));
  const StaticFiles files = tree.files({.gzip = true});
  const std::string tag = ask(files, "/a.txt")["ETag"];
  const Answer answer = ask(files, "/a.txt", line("If-None-Match", tag));
  CHECK(answer.status == 304);
  CHECK(answer.body.empty());
  CHECK(answer["ETag"] == tag);
  CHECK(answer["Vary"] == "Accept-Encoding");
  CHECK(answer.fields.size() == 2);
  CHECK(ask(files, "/a.txt", line("If-Modified-Since", kOldDate), "HEAD").status == 304);
  CHECK(ask(files, "/a.txt", line("If-None-Match", "\"x\"")).status == 200);
  CHECK(ask(files, "/a.txt", line("If-Match", "\"x\"")).status == 412);
  CHECK(ask(files, "/a.txt", line("If-Match", tag)).status == 200);
  CHECK(ask(files, "/none", line("If-None-Match", "*")).status == 404);
  CHECK(ask(files, "/none", line("If-Match", "\"x\"")).status == 404);
}

TEST_CASE("one range is sent by itself") {
  const Tree tree;
  tree.write("a.txt", "0123456789");
  const StaticFiles files = tree.files();
  const auto range = [&](std::string_view value, std::string_view more = {}) {
    return ask(files, "/a.txt", line("Range", value).append(more));
  };
  const Answer answer = range("bytes=2-5");
  CHECK(answer.status == 206);
  CHECK(answer.body == "2345");
  CHECK(answer["Content-Range"] == "bytes 2-5/10");
  CHECK(answer["Content-Type"] == "text/plain; charset=utf-8");
  CHECK_FALSE(answer["ETag"].empty());
  CHECK(range("bytes=7-").body == "789");
  CHECK(range("bytes=-2").body == "89");
  CHECK(range("bytes=-2")["Content-Range"] == "bytes 8-9/10");
  CHECK(range("bytes=0-2,3-4").body == "01234");
  CHECK(range("lines=1-2").status == 200);

  const Answer outside = range("bytes=10-");
  CHECK(outside.status == 416);
  CHECK(outside["Content-Range"] == "bytes */10");

  CHECK(ask(files, "/a.txt", line("Range", "bytes=2-5"), "HEAD").status == 200);
  CHECK(range("bytes=2-5", line("If-Range", answer["ETag"])).status == 206);
  CHECK(range("bytes=2-5", line("If-Range", kOldDate)).status == 206);
  CHECK(range("bytes=2-5", line("If-Range", "\"x\"")).body == "0123456789");
  CHECK(range("bytes=20-", line("If-Range", "\"x\"")).status == 200);
  CHECK(range("bytes=2-5", line("If-None-Match", answer["ETag"])).status == 304);
  CHECK(range("bytes=20-", line("If-Match", "\"x\"")).status == 412);
}

TEST_CASE("several ranges are sent as parts") {
  const Tree tree;
  const std::string content = digits(5000);
  tree.write("a.txt", content);
  const StaticFiles files = tree.files();
  const Answer answer = ask(files, "/a.txt", line("Range", "bytes=0-9, 1000-1004, -3"));
  CHECK(answer.status == 206);
  CHECK(answer["Content-Range"].empty());
  const std::string type = answer["Content-Type"];
  REQUIRE(type.starts_with("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  CHECK(boundary.size() == 32);
  const auto part = [&](std::string_view range, std::string_view text) {
    return "--" + boundary +
           "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " +
           std::string(range) + "/5000\r\n\r\n" + std::string(text) + "\r\n";
  };
  CHECK(answer.body == part("0-9", content.substr(0, 10)) +
                           part("1000-1004", content.substr(1000, 5)) +
                           part("4997-4999", content.substr(4997)) + "--" + boundary + "--\r\n");
  CHECK(ask(files, "/a.txt", line("Range", "bytes=0-9,1000-1004"))["Content-Type"] != type);
}

TEST_CASE("a compressed file beside another is sent in its place to those who take it") {
  const Tree tree;
  tree.write("app.js", "plain");
  tree.write("app.js.gz", "as gzip");
  tree.write("app.js.br", "as brotli");
  tree.write("old.js", "plain", kOld + 1);
  tree.write("old.js.gz", "of another time");
  tree.write("only.js.gz", "alone");
  const StaticFiles files = tree.files({.precompressed = true});
  const auto accepting = [&](std::string_view path, std::string_view codings,
                             std::string_view more = {}) {
    return ask(files, path, line("Accept-Encoding", codings).append(more));
  };
  const Answer plain = ask(files, "/app.js");
  CHECK(plain.body == "plain");
  CHECK(plain["Vary"] == "Accept-Encoding");
  CHECK(plain["Content-Encoding"].empty());

  const Answer brotli = accepting("/app.js", "gzip, deflate, br");
  CHECK(brotli.body == "as brotli");
  CHECK(brotli["Content-Encoding"] == "br");
  CHECK(brotli["Content-Type"] == "text/javascript; charset=utf-8");
  CHECK(brotli["Vary"] == "Accept-Encoding");
  CHECK(brotli["ETag"] != plain["ETag"]);
  CHECK(accepting("/app.js", "gzip, deflate, br", line("If-None-Match", brotli["ETag"])).status ==
        304);
  CHECK(accepting("/app.js", "gzip, deflate, br", line("If-None-Match", plain["ETag"])).status ==
        200);
  CHECK(accepting("/app.js", "br", line("Range", "bytes=3-")).body == "brotli");

  CHECK(accepting("/app.js", "gzip").body == "as gzip");
  CHECK(accepting("/app.js", "gzip, identity;q=0").body == "as gzip");
  CHECK(accepting("/app.js", "deflate").body == "plain");
  CHECK(accepting("/app.js", "deflate, identity;q=0").status == 406);
  CHECK(accepting("/old.js", "gzip").body == "plain");
  CHECK(accepting("/old.js", "gzip")["Vary"].empty());
  CHECK(accepting("/only.js", "gzip").status == 404);
  CHECK(accepting("/app.js.gz", "gzip").body == "as gzip");
  CHECK(accepting("/app.js.gz", "gzip")["Content-Encoding"].empty());

  CHECK(ask(tree.files(), "/app.js", line("Accept-Encoding", "br")).body == "plain");
}

TEST_CASE("what gets shorter by it is compressed for those who take it") {
  const Tree tree;
  const std::string content = digits(5000);
  tree.write("a.txt", content);
  tree.write("short.txt", digits(200));
  tree.write("photo.jpg", content);
  const StaticFiles files = tree.files({.gzip = true});
  const std::string gzip = line("Accept-Encoding", "gzip");

  const Answer answer = ask(files, "/a.txt", gzip);
  CHECK(answer.status == 200);
  CHECK(answer.body.size() < 2500);
  CHECK(gunzip(answer.body) == content);
  CHECK(answer["Content-Encoding"] == "gzip");
  CHECK(answer["Vary"] == "Accept-Encoding");
  CHECK(answer["Last-Modified"] == kOldDate);
  CHECK(answer["ETag"].starts_with("W/\""));
  CHECK(answer["Accept-Ranges"].empty());
  CHECK(ask(files, "/a.txt", gzip + line("If-None-Match", answer["ETag"])).status == 304);
  CHECK(ask(files, "/a.txt", gzip + line("If-Match", answer["ETag"])).status == 412);

  const Answer plain = ask(files, "/a.txt");
  CHECK(plain.body == content);
  CHECK(plain["Vary"] == "Accept-Encoding");
  CHECK(plain["ETag"] != answer["ETag"]);
  CHECK(ask(files, "/a.txt", gzip + line("If-None-Match", plain["ETag"])).status == 200);

  const Answer range = ask(files, "/a.txt", gzip + line("Range", "bytes=0-9"));
  CHECK(range.status == 206);
  CHECK(range.body == content.substr(0, 10));
  CHECK(range["Content-Encoding"].empty());

  for (const std::string_view path : {"/short.txt", "/photo.jpg"}) {
    CAPTURE(path);
    CHECK(ask(files, path, gzip)["Content-Encoding"].empty());
    CHECK(ask(files, path, gzip)["Vary"].empty());
    const Answer forced = ask(files, path, line("Accept-Encoding", "gzip, identity;q=0"));
    CHECK(forced["Content-Encoding"] == "gzip");
    CHECK(gunzip(forced.body) == ask(files, path).body);
  }
}

TEST_CASE("what doesn't get shorter by compression stays as it is") {
  const Tree tree;
  std::string noise;
  for (std::uint32_t state = 1; noise.size() < 2000; state = state * 1664525U + 1013904223U) {
    noise += static_cast<char>(state >> 24);
  }
  tree.write("noise.txt", noise);
  const Answer answer =
      ask(tree.files({.gzip = true}), "/noise.txt", line("Accept-Encoding", "gzip"));
  CHECK(answer.body == noise);
  CHECK(answer["Content-Encoding"].empty());
}

TEST_CASE("a large file is compressed while it is sent, and only so many at once") {
  const Tree tree;
  const std::string content = digits(1'000'000);
  tree.write("large.txt", content);
  const StaticFiles files = tree.files({.gzip = true});
  const auto respond = [&] {
    FakeRequest fake("GET", "/large.txt", "Accept-Encoding: gzip\r\n");
    return files.respond(fake.request(), "/large.txt");
  };
  std::vector<Response> responses;
  for (int i = 0; i < GzipPlaces::kPlaces; ++i) {
    responses.push_back(respond());
    CHECK(responses.back().header("Content-Encoding") == "gzip");
  }
  CHECK(Answer(respond()).body == content);
  CHECK(gunzip(body_of(responses.front())) == content);
  responses.pop_back();
  CHECK(respond().header("Content-Encoding") == "gzip");
}

TEST_CASE("a file that becomes shorter while it is compressed cuts the answer off") {
  const Tree tree;
  tree.write("large.txt", digits(1'000'000));
  const StaticFiles files = tree.files({.gzip = true});
  FakeRequest fake("GET", "/large.txt", "Accept-Encoding: gzip\r\n");
  const Response response = files.respond(fake.request(), "/large.txt");
  std::filesystem::resize_file(tree.folder.path() / "large.txt", 1000);
  CHECK_THROWS_AS(body_of(response), std::runtime_error);
}

TEST_CASE("a file that was asked for lately is known for a second without a look at the disk") {
  const Tree tree;
  tree.write("a", "old");
  const StaticFiles files = tree.files();
  run_virtually([&]() -> Coro<> {
    CHECK(ask(files, "/a").body == "old");
    tree.write("b", "new");
    std::filesystem::rename(tree.folder.path() / "b", tree.folder.path() / "a");
    CHECK(ask(files, "/a").body == "old");
    co_await sleep(1s);
    CHECK(ask(files, "/a").body == "new");
    std::filesystem::remove(tree.folder.path() / "a");
    CHECK(ask(files, "/a").body == "new");
    co_await sleep(1s);
    CHECK(ask(files, "/a").status == 404);
    CHECK(open_below(tree.folder.path()) == 0);
    tree.write("a", "again");
    CHECK(ask(files, "/a").body == "again");
  });
}

TEST_CASE("a compressed form that comes, changes or goes is noticed within a second") {
  const Tree tree;
  tree.write("a.js", "plain");
  const StaticFiles files = tree.files({.precompressed = true});
  const auto body = [&] { return ask(files, "/a.js", "Accept-Encoding: gzip\r\n").body; };
  run_virtually([&]() -> Coro<> {
    CHECK(body() == "plain");
    tree.write("a.js.gz", "gzip");
    co_await sleep(1s);
    CHECK(body() == "gzip");
    tree.write("a.js.gz", "changed");
    co_await sleep(1s);
    CHECK(body() == "changed");
    std::filesystem::remove(tree.folder.path() / "a.js.gz");
    co_await sleep(1s);
    CHECK(body() == "plain");
  });
}

TEST_CASE("a file that may be written to still is looked at each time") {
  const Tree tree;
  tree.write("a", "old", std::time(nullptr));
  const StaticFiles files = tree.files();
  run_virtually([&]() -> Coro<> {
    CHECK(ask(files, "/a").body == "old");
    tree.write("a", "and new", std::time(nullptr));
    CHECK(ask(files, "/a").body == "and new");
    co_return;
  });
}

TEST_CASE("a file that nobody asks for any more is closed after some seconds") {
  const Tree tree;
  tree.write("a", "1");
  tree.write("b", "2");
  const StaticFiles files = tree.files();
  run_virtually([&]() -> Coro<> {
    for (int i = 0; i < 20; ++i) {
      CHECK(ask(files, "/a").status == 200);
      if (i == 0) {
        CHECK(ask(files, "/b").status == 200);
        CHECK(open_below(tree.folder.path()) == 2);
      }
      co_await sleep(1s);
    }
    CHECK(open_below(tree.folder.path()) == 1);
    co_await sleep(10s);
    CHECK(open_below(tree.folder.path()) == 0);
    CHECK(ask(files, "/a").status == 200);
    co_await sleep(11s);
    CHECK(open_below(tree.folder.path()) == 0);
  });
}

TEST_CASE("only so many files are kept open, those that were asked for last") {
  const Tree tree;
  for (int i = 0; i < 100; ++i) {
    tree.write(std::to_string(i), "x");
  }
  const StaticFiles files = tree.files();
  run_virtually([&]() -> Coro<> {
    for (int i = 0; i < 100; ++i) {
      CHECK(ask(files, "/" + std::to_string(i)).status == 200);
      co_await sleep(1ms);
    }
    CHECK(open_below(tree.folder.path()) == FileCache::kMaxFiles);
  });
}

TEST_CASE("an answer on its way keeps its file, whatever becomes of the cache") {
  const Tree tree;
  tree.write("a", "content");
  const auto respond = [&] {
    const StaticFiles files = tree.files();
    FakeRequest fake("GET", "/a");
    return files.respond(fake.request(), "/a");
  };
  const Response response = respond();
  std::filesystem::remove(tree.folder.path() / "a");
  CHECK(body_of(response) == "content");
}

TEST_CASE("a folder is listed only if that is wanted") {
  const Tree tree;
  tree.write("sub/b.txt", "22");
  tree.write("sub/a&<b>.txt", "1");
  tree.write("sub/.hidden", "x");
  tree.write("sub/x:y", "1");
  tree.write("sub/z/index.html", "index");
  tree.write("outside.txt", "x");
  std::filesystem::create_symlink("/etc/passwd", tree.folder.path() / "sub/escape");
  std::filesystem::create_symlink("../outside.txt", tree.folder.path() / "sub/inside");
  REQUIRE(::mkfifo((tree.folder.path() / "sub/pipe").c_str(), 0666) == 0);
  CHECK(ask(tree.files(), "/sub/").status == 404);

  const StaticFiles files = tree.files({.listing = true});
  const Answer answer = ask(files, "/sub/");
  CHECK(answer.status == 200);
  CHECK(answer["Content-Type"] == "text/html; charset=utf-8");
  const std::string& html = answer.body;
  CHECK(html.contains("<a href=\"./../\">../</a>"));
  CHECK(html.contains("<a href=\"./z/\">z/</a>"));
  CHECK(html.contains("<a href=\"./a&amp;%3Cb%3E.txt\">a&amp;&lt;b&gt;.txt</a><td>1<td>" +
                      std::string(kOldDate)));
  CHECK(html.contains("<a href=\"./x:y\">"));
  CHECK(html.contains("<a href=\"./inside\">"));
  CHECK_FALSE(html.contains("hidden"));
  CHECK_FALSE(html.contains("escape"));
  CHECK_FALSE(html.contains("pipe"));
  CHECK(html.find("./z/") < html.find("./a&"));
  CHECK(html.find("./a&") < html.find("./b.txt"));
  CHECK(ask(files, "/").body.contains("<a href=\"./sub/\">"));
  CHECK_FALSE(ask(files, "/").body.contains("../"));
  CHECK(ask(files, "/sub/z/").body == "index");
  CHECK(ask(files, "/sub/none/").status == 404);
  CHECK(ask(files, "/outside.txt/").status == 404);
  CHECK(ask(files, "/../").status == 404);
}

TEST_CASE("a redirect to a folder stays on the host, and keeps the query") {
  const Tree tree;
  tree.write("\\example.org/index.html", "x");
  const StaticFiles files = tree.files();
  CHECK(ask(files, "/\\example.org?a=b")["Location"] == "/%5Cexample.org/?a=b");
  CHECK(ask(files, "//\\example.org").status == 404);
}

TEST_CASE("a path that isn't one reaches nothing") {
  const Tree tree;
  tree.write("a", "x");
  const StaticFiles files = tree.files();
  using namespace std::string_literals;
  for (const std::string& path : {""s, "a"s, "*"s, "/a\0.txt"s, "/\0"s, "//a"s, "/./a"s, "/../a"s,
                                  "/a/"s, "/a/."s, "/a/.."s, "/x//"s}) {
    FakeRequest fake("GET", "/");
    CHECK(files.respond(fake.request(), path).status() == 404);
  }
}

TEST_CASE("a handler sends a file, with conditions and ranges if it wants") {
  const Tree tree;
  tree.write("a.txt", "0123456789");
  const std::filesystem::path path = tree.folder.path() / "a.txt";
  FakeRequest plain("GET", "/x");
  const Answer answer(serve_file(plain.request(), path));
  CHECK(answer.body == "0123456789");
  CHECK(answer["Content-Type"] == "text/plain; charset=utf-8");
  FakeRequest range("GET", "/x", "Range: bytes=1-2\r\n");
  CHECK(Answer(serve_file(range.request(), path)).body == "12");
  FakeRequest known("GET", "/x", line("If-None-Match", answer["ETag"]));
  CHECK(Answer(serve_file(known.request(), path)).status == 304);

  CHECK(Answer(Response::file(path)).body == "0123456789");
  CHECK(Answer(Response::file(path))["Content-Type"] == "text/plain; charset=utf-8");

  const auto status = [](const std::filesystem::path& which) {
    try {
      (void)Response::file(which);
      return 200;
    } catch (const HttpError& error) {
      return error.status();
    }
  };
  CHECK(status(tree.folder.path() / "none") == 404);
  CHECK(status(tree.folder.path()) == 404);
  CHECK(status(path.string() + std::string("\0x", 2)) == 404);
  if (::geteuid() != 0) {
    REQUIRE(::chmod(path.c_str(), 0) == 0);
    CHECK(status(path) == 403);
  }
}

}  // namespace simul::http
