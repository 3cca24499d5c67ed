#include "http_work.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <llhttp.h>

namespace simul::load {
namespace {

constexpr std::size_t kMostAtOnce = std::size_t{64} << 10;  // bytes of requests in one piece

class HttpDialogue final : public Dialogue {
 public:
  HttpDialogue(std::string_view requests, std::size_t request_size)
      : requests_(requests), request_size_(request_size) {
    llhttp_init(&parser_, HTTP_RESPONSE, &settings());
    parser_.data = this;
  }

  void ask(std::size_t count) override {
    unsent_ += count * request_size_;
    unanswered_ += count;
  }

  [[nodiscard]] Bytes output() const noexcept override {
    return as_bytes(requests_.substr(offset_, unsent_));
  }

  void sent(std::size_t bytes) noexcept override {
    unsent_ -= bytes;
    offset_ = (offset_ + bytes) % request_size_;
  }

  std::expected<Next, Failure> receive(Bytes bytes, Replies& replies) override {
    replies_ = &replies;
    const std::string_view text = as_text(bytes);
    return outcome(llhttp_execute(&parser_, text.data(), text.size()));
  }

  std::expected<Next, Failure> end_of_stream(Replies& replies) override {
    replies_ = &replies;
    const std::size_t before = unanswered_;
    const llhttp_errno_t error = llhttp_finish(&parser_);
    if (unanswered_ < before) {
      return Next::reopen;  // it was the end of a body without a length
    }
    return std::unexpected(Failure{
        ErrorKind::end_of_stream,
        error == HPE_OK
            ? fmt::format("the server closed the connection; responses still due: {}", unanswered_)
            : "the server closed the connection in the middle of a response"});
  }

 private:
  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t kSettings = [] {
      llhttp_settings_t settings;
      llhttp_settings_init(&settings);
      settings.on_message_complete = [](llhttp_t* parser) {
        return static_cast<HttpDialogue*>(parser->data)->on_response();
      };
      return settings;
    }();
    return kSettings;
  }

  int on_response() {
    const unsigned status = parser_.status_code;
    if (status >= 100 && status < 200 && status != 101) {
      return 0;  // the final response is yet to come
    }
    if (unanswered_ == 0) {
      unasked_ = true;
      return HPE_USER;
    }
    --unanswered_;
    replies_->on_reply(status);
    last_ = llhttp_should_keep_alive(&parser_) == 0;
    return last_ ? HPE_PAUSED : 0;
  }

  std::expected<Next, Failure> outcome(llhttp_errno_t error) {
    if (last_) {
      return Next::reopen;
    }
    if (error == HPE_OK) {
      return Next::go_on;
    }
    if (unasked_) {
      return std::unexpected(
          Failure{ErrorKind::bad_response, "a response came that nobody had asked for"});
    }
    const char* reason = llhttp_get_error_reason(&parser_);
    return std::unexpected(Failure{
        ErrorKind::bad_response,
        fmt::format("not a valid HTTP response: {} ({})",
                    reason != nullptr ? reason : "unknown reason", llhttp_errno_name(error))});
  }

  std::string_view requests_;
  std::size_t request_size_;
  std::size_t offset_ = 0;  // of what is sent next, in a request
  std::size_t unsent_ = 0;  // bytes
  std::size_t unanswered_ = 0;
  Replies* replies_ = nullptr;  // while bytes are parsed
  bool last_ = false;           // the server has said that it will close
  bool unasked_ = false;
  llhttp_t parser_;
};

}  // namespace

HttpWork::HttpWork(const Target& target, std::size_t depth) {
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: simul-load/" SIMUL_VERSION
                  "\r\nAccept: */*\r\n\r\n",
                  target.path, target.host);
  request_size_ = request.size();
  const std::size_t count =
      std::clamp<std::size_t>(kMostAtOnce / request_size_, 1, std::max<std::size_t>(depth, 1));
  for (std::size_t i = 0; i < count; ++i) {
    requests_ += request;
  }
}

std::unique_ptr<Dialogue> HttpWork::begin(std::uint64_t) const {
  return std::make_unique<HttpDialogue>(requests_, request_size_);
}

}  // namespace simul::load
