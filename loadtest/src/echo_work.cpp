#include "echo_work.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace simul::load {
namespace {

class EchoDialogue final : public Dialogue {
 public:
  EchoDialogue(const Pattern& pattern, std::uint64_t stream, std::uint64_t size) noexcept
      : pattern_(pattern), stream_(stream), size_(size), reply_end_(size) {}

  void ask(std::size_t count) override { asked_ += count * size_; }

  [[nodiscard]] Bytes output() const noexcept override {
    if (sent_ == asked_) {
      return {};
    }
    const Bytes bytes = pattern_.at(stream_, sent_);
    return bytes.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), asked_ - sent_)));
  }

  void sent(std::size_t bytes) noexcept override { sent_ += bytes; }

  std::expected<Next, Failure> receive(Bytes bytes, Replies& replies) override {
    if (const auto at = pattern_.first_difference(stream_, received_, bytes)) {
      return std::unexpected(different(bytes, *at));
    }
    if (bytes.size() > sent_ - received_) {
      return std::unexpected(
          Failure{ErrorKind::wrong_bytes, fmt::format("{} bytes came back, but only {} were sent",
                                                      received_ + bytes.size(), sent_)});
    }
    received_ += bytes.size();
    for (; reply_end_ <= received_; reply_end_ += size_) {
      replies.on_reply(0);
    }
    return Next::go_on;
  }

  std::expected<Next, Failure> end_of_stream(Replies&) override {
    return std::unexpected(Failure{
        ErrorKind::end_of_stream,
        fmt::format("the server closed the connection after {} of {} bytes", received_, asked_)});
  }

 private:
  [[nodiscard]] Failure different(Bytes bytes, std::size_t at) const {
    const std::uint64_t position = received_ + at;
    return {ErrorKind::wrong_bytes,
            fmt::format("byte {} of the connection, in message {}, is 0x{:02x} instead of 0x{:02x}",
                        position, position / size_ + 1, std::to_integer<unsigned>(bytes[at]),
                        std::to_integer<unsigned>(pattern_.at(stream_, position).front()))};
  }

  const Pattern& pattern_;
  std::uint64_t stream_;
  std::uint64_t size_;
  // Positions in the stream:
  std::uint64_t asked_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t reply_end_;  // of the oldest message without a reply
};

}  // namespace

std::unique_ptr<Dialogue> EchoWork::begin(std::uint64_t stream) const {
  return std::make_unique<EchoDialogue>(pattern_, stream, size_);
}

}  // namespace simul::load
