#include "inspect/inspector_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
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

#include <fmt/format.h>

#include "inspect/figures.hpp"

namespace simul::cli {
namespace {

constexpr std::size_t kLongestAnswer = std::size_t{64} << 20;
/// To be let in, and to hand over a request: an inspector does both at once.
constexpr timeval kPatienceToBegin = {.tv_sec = 2, .tv_usec = 0};

class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string why_not(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "nobody listens there any more";
    case EACCES:
      return "Permission denied: only the user of the process and root may look";
    case EAGAIN:
      return "no answer";
    default:
      return std::strerror(error);
  }
}

}  // namespace

InspectError::InspectError(const std::string& text) : std::runtime_error(printable(text)) {}

InspectorClient::InspectorClient(const InspectorAddress& address) : path_(address.path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path_.size() >= sizeof name.sun_path) {
    fail("the path is too long for a socket");
  }
  std::ranges::copy(path_, name.sun_path);
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatienceToBegin, sizeof kPatienceToBegin) !=
          0 ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    fail(why_not(errno));
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.pid != address.pid.value_or(peer.pid) || peer.uid != address.user.value_or(peer.uid)) {
    fail("another process listens there");
  }
  fd_ = fd.release();
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
  } catch (const nlohmann::json::exception&) {
    fail("this is no inspector: its answer makes no sense");
  }
  return answer;
}

nlohmann::json InspectorClient::ask(const nlohmann::json& request,
                                    std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + patience;
  begin(request);
  for (;;) {
    // For the whole answer: one who sends a byte now and then would hold us up for ever.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd watched{.fd = fd_, .events = POLLIN, .revents = 0};
    if (left <= 0 || ::poll(&watched, 1, static_cast<int>(left)) == 0) {
      fail(fmt::format("no answer for {} s", patience.count() / 1000));
    }
    if (std::optional<nlohmann::json> answer = take()) {
      return *std::move(answer);
    }
  }
}

}  // namespace simul::cli
