#include "inspect/inspector_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <tuple>
#include <utility>

namespace simul::cli {
namespace {

/// The inspector itself gives up a loop after a second, for each of its two questions.
constexpr int kPatienceMs = 10'000;
constexpr std::size_t kLongestAnswer = std::size_t{64} << 20;

}  // namespace

InspectorClient::InspectorClient(std::string path) : path_(std::move(path)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) {
    throw InspectError(path_ + ": the path is too long for a socket");
  }
  std::ranges::copy(path_, address.sun_path);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    if (fd_ >= 0) {
      ::close(fd_);
    }
    throw InspectError(path_ + ": " +
                       (error == ECONNREFUSED ? "nobody listens there any more"
                        : error == EACCES
                            ? "Permission denied: only the user of the process and root may look"
                            : std::strerror(error)));
  }
}

InspectorClient::~InspectorClient() { ::close(fd_); }

void InspectorClient::fail(const std::string& why) const { throw InspectError(path_ + ": " + why); }

void InspectorClient::begin(const nlohmann::json& request) {
  const std::string line = request.dump() + '\n';  // shorter than any socket's buffer
  // If it is closed already, what was said before that is the answer: take() finds it.
  std::ignore = ::send(fd_, line.data(), line.size(), MSG_NOSIGNAL);
}

std::optional<nlohmann::json> InspectorClient::take() {
  std::array<char, 1 << 16> buffer;
  const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return std::nullopt;
  }
  if (count <= 0) {
    fail("the process has ended");
  }
  const std::string_view news(buffer.data(), static_cast<std::size_t>(count));
  in_ += news;
  if (!news.ends_with('\n')) {
    if (in_.size() > kLongestAnswer) {
      fail("the answer has no end");
    }
    return std::nullopt;
  }
  nlohmann::json answer;
  try {
    answer = nlohmann::json::parse(std::exchange(in_, {}));
    if (!answer.at("ok").get<bool>()) {
      fail(answer.at("error").get<std::string>());
    }
  } catch (const nlohmann::json::exception& error) {
    fail(std::string("this is no inspector: ") + error.what());
  }
  return answer;
}

nlohmann::json InspectorClient::ask(const nlohmann::json& request) {
  begin(request);
  for (;;) {
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, kPatienceMs) == 0) {
      fail("no answer for " + std::to_string(kPatienceMs / 1000) + " s");
    }
    if (std::optional<nlohmann::json> answer = take()) {
      return *std::move(answer);
    }
  }
}

}  // namespace simul::cli
