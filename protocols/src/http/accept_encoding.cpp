#include "http/accept_encoding.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "http/characters.hpp"

namespace simul::http {
namespace {

// A weight, "0.75" for example, in thousandths.
std::optional<int> parse_weight(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') ||
      (text.size() > 1 && text[1] != '.')) {
    return std::nullopt;
  }
  int weight = text[0] - '0';
  for (std::size_t i = 2; i < 5; ++i) {
    const char digit = i < text.size() ? text[i] : '0';
    if (digit < '0' || digit > '9') {
      return std::nullopt;
    }
    weight = weight * 10 + (digit - '0');
  }
  return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

// What follows the name of a coding.
std::optional<int> weight_of(std::string_view parameters) noexcept {
  parameters = trim(parameters);
  if (parameters.empty()) {
    return 1000;
  }
  const std::string_view parameter = trim(parameters.substr(1));
  if (!equal_ignoring_case(parameter.substr(0, 2), "q=")) {
    return std::nullopt;
  }
  return parse_weight(parameter.substr(2));
}

}  // namespace

AcceptEncoding::AcceptEncoding(const HeaderFields& fields) noexcept {
  for (const auto& [name, value] : fields) {
    if (equal_ignoring_case(name, "Accept-Encoding")) {
      read(value);
    }
  }
}

void AcceptEncoding::read(std::string_view list) noexcept {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    const std::size_t semicolon = std::min(item.find(';'), item.size());
    const std::string_view name = trim(item.substr(0, semicolon));
    const auto weight = weight_of(item.substr(semicolon));
    if (!weight) {
      continue;  // as if it weren't there
    }
    if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) {
      gzip_ = *weight;
    } else if (equal_ignoring_case(name, "br")) {
      brotli_ = *weight;
    } else if (equal_ignoring_case(name, "identity")) {
      identity_ = *weight;
    } else if (name == "*") {
      others_ = *weight;
    }
  }
}

int AcceptEncoding::quality(Coding coding) const noexcept {
  const int said = coding == Coding::gzip ? gzip_ : coding == Coding::brotli ? brotli_ : identity_;
  if (said != kUnsaid) {
    return said;
  }
  if (others_ != kUnsaid) {
    return others_;
  }
  return coding == Coding::identity ? 1 : 0;
}

std::optional<Coding> choose_coding(const AcceptEncoding& accept, bool gzip, bool brotli) noexcept {
  Coding best = Coding::identity;
  int quality = accept.quality(best);
  const auto offer = [&](Coding coding) {
    const int offered = accept.quality(coding);
    if (offered > 0 && offered >= quality) {
      best = coding;
      quality = offered;
    }
  };
  if (gzip) {
    offer(Coding::gzip);
  }
  if (brotli) {
    offer(Coding::brotli);
  }
  return quality > 0 ? std::optional(best) : std::nullopt;
}

}  // namespace simul::http
