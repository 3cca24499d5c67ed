#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>

#include <simul/config/load.hpp>

#include "protocols.hpp"

namespace {

using namespace simul::config;
namespace fs = std::filesystem;

/// A folder that disappears with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "simul-config-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string error(const std::string& path) {
  const LoadResult result = load_file(path, testing::kProtocols);
  return result ? "accepted" : render(result.error());
}

TEST_CASE("a file is loaded, with paths relative to its folder") {
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "simul.yaml",
      "listeners: [{name: w, address: '*:80', protocol: http, options: {root: public}}]\n");
  const LoadResult result = load_file(path, testing::kProtocols);
  REQUIRE(result.has_value());
  CHECK(result->listeners[0].options.get_string("root") == folder.path("public"));
}

TEST_CASE("errors name the file as it was given") {
  const TemporaryFolder folder;
  const std::string path = folder.write("broken.yaml", "x: 1\n");
  CHECK(error(path).starts_with(path + ":1:1: error: "));
}

TEST_CASE("a file that can't be read is named, with the reason") {
  const TemporaryFolder folder;
  CHECK(error("/no/such/file") ==
        "/no/such/file: error: can't read the file: No such file or directory\n");
  CHECK(error(folder.path("")) ==
        folder.path("") + ": error: can't read the file: Is a directory\n");
  CHECK(error("") == ": error: can't read the file: No such file or directory\n");
  if (::geteuid() != 0) {
    const std::string secret = folder.write("secret.yaml", "x: 1\n");
    fs::permissions(secret, fs::perms::none);
    CHECK(error(secret) == secret + ": error: can't read the file: Permission denied\n");
  }
}

TEST_CASE("a device without end is a file that is too large") {
  CHECK(error("/dev/zero").starts_with("/dev/zero:1:1: error: the file is too large\n"));
}

}  // namespace
