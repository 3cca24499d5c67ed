// HttpWork: the same GET request over and over on a kept-alive HTTP/1.1 connection; with a depth above 1
// the requests are pipelined. Responses are parsed to their end (Content-Length, chunked, or up to the
// end of the stream); what is in their bodies is not looked at.
#pragma once

#include <string>

#include "work.hpp"

namespace simul::load {

class HttpWork final : public Work {
 public:
  HttpWork(const Target& target, std::size_t depth);
  [[nodiscard]] std::unique_ptr<Dialogue> begin(std::uint64_t stream) const override;

 private:
  std::string requests_;  // several, so that pipelined ones leave with one call
  std::size_t request_size_;
};

}  // namespace simul::load
