#include <simul/units.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include <simul/quote.hpp>

namespace simul {
namespace {

// Wide enough for a 64-bit number times any unit, so that overflow is a comparison at the end.
__extension__ using Wide = unsigned __int128;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

constexpr std::array kSizeUnits = {
    Unit{"GiB", 1ULL << 30},
    Unit{"MiB", 1ULL << 20},
    Unit{"KiB", 1ULL << 10},
    Unit{"GB", 1'000'000'000},
    Unit{"MB", 1'000'000},
    Unit{"kB", 1'000},
    Unit{"B", 1},
};

constexpr std::array kDurationUnits = {
    Unit{"d", kDay},       Unit{"h", 3'600 * kSecond}, Unit{"m", 60 * kSecond}, Unit{"s", kSecond},
    Unit{"ms", 1'000'000}, Unit{"us", 1'000},          Unit{"ns", 1},
};

constexpr std::string_view kDigits = "0123456789";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// `digits` or `digits.digits`, as it was written.
struct Number {
  std::string_view whole;
  std::string_view fraction;
};

/// Takes a number off the front of `text`.
std::optional<Number> take_number(std::string_view& text) {
  const auto take_digits = [&text] {
    const std::string_view digits = text.substr(0, text.find_first_not_of(kDigits));
    text.remove_prefix(digits.size());
    return digits;
  };
  Number number;
  number.whole = take_digits();
  if (number.whole.empty()) return std::nullopt;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    number.fraction = take_digits();
    if (number.fraction.empty()) return std::nullopt;
  }
  return number;
}

enum class Failure { overflow, not_exact };

/// `number` times `factor`, exactly or not at all.
std::expected<std::uint64_t, Failure> multiply(const Number& number, std::uint64_t factor) {
  constexpr std::uint64_t kMaximum = std::numeric_limits<std::uint64_t>::max();
  Wide whole = 0;
  for (const char digit : number.whole) {
    whole = whole * 10 + static_cast<unsigned>(digit - '0');
    if (whole > kMaximum) return std::unexpected(Failure::overflow);
  }

  std::string_view fraction = number.fraction;
  while (fraction.ends_with('0'))
    fraction.remove_suffix(1);
  // No unit has more than 18 decimal digits to divide, and 10^18 is what still fits.
  if (fraction.size() > 18) return std::unexpected(Failure::not_exact);
  Wide numerator = 0;
  Wide denominator = 1;
  for (const char digit : fraction) {
    numerator = numerator * 10 + static_cast<unsigned>(digit - '0');
    denominator *= 10;
  }
  if (numerator * factor % denominator != 0) return std::unexpected(Failure::not_exact);

  const Wide total = whole * factor + numerator * factor / denominator;
  if (total > kMaximum) return std::unexpected(Failure::overflow);
  return static_cast<std::uint64_t>(total);
}

std::string unknown_unit(std::string_view text, std::string_view unit,
                         std::span<const Unit> units) {
  if (unit.starts_with(' ')) return quote(text) + " has a space between the number and its unit";
  std::string message = quote(text) + " has the unknown unit " + quote(unit);
  for (const Unit& known : units) {
    if (equal_but_for_case(known.name, unit)) {
      return message + "; write '" + std::string(known.name) + "'";
    }
  }
  message += "; units are ";
  for (const Unit& known : units) {
    if (&known != units.data()) message += ", ";
    message += known.name;
  }
  return message;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  const auto found = std::ranges::find(units, name, &Unit::name);
  return found == units.end() ? nullptr : &*found;
}

/// `value / factor` in decimal, without trailing zeros. `factor` is a power of ten.
std::string decimal(std::uint64_t value, std::uint64_t factor) {
  std::string text = std::to_string(value / factor);
  if (std::uint64_t rest = value % factor; rest != 0) {
    text += '.';
    for (; rest != 0; rest = rest % factor) {
      factor /= 10;
      text += static_cast<char>('0' + rest / factor);
    }
  }
  return text;
}

}  // namespace

std::expected<std::uint64_t, std::string> parse_size(std::string_view text) {
  if (text.starts_with('-')) return std::unexpected(quote(text) + " is negative");
  std::string_view rest = text;
  const std::optional<Number> number = take_number(rest);
  if (!number) return std::unexpected(quote(text) + " is not a size");
  const Unit* unit = rest.empty() ? &kSizeUnits.back() : find_unit(kSizeUnits, rest);
  if (unit == nullptr) {
    if (rest == "K" || rest == "k" || rest == "M" || rest == "G") {
      // 1024 or 1000: guessing would be wrong for somebody.
      const char letter = rest[0];
      const std::string digits(text.substr(0, text.size() - 1));
      return std::unexpected(quote(text) + " is ambiguous; write " + digits +
                             static_cast<char>(letter == 'k' ? 'K' : letter) + "iB or " + digits +
                             static_cast<char>(letter == 'K' ? 'k' : letter) + "B");
    }
    return std::unexpected(unknown_unit(text, rest, kSizeUnits));
  }
  const auto bytes = multiply(*number, unit->factor);
  if (bytes) return *bytes;
  return std::unexpected(quote(text) + (bytes.error() == Failure::overflow
                                            ? " is too large"
                                            : " is not a whole number of bytes"));
}

std::string format_size(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  std::string shortest;
  for (const Unit& unit : kSizeUnits) {
    if (bytes % unit.factor != 0) continue;
    std::string text = std::to_string(bytes / unit.factor) + std::string(unit.name);
    if (shortest.empty() || text.size() < shortest.size()) shortest = std::move(text);
  }
  return shortest;
}

std::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text) {
  if (text.starts_with('-')) return std::unexpected(quote(text) + " is negative");
  constexpr Wide kMaximum = std::numeric_limits<std::chrono::nanoseconds::rep>::max();
  Wide total = 0;
  const Unit* previous = nullptr;
  std::string_view rest = text;
  do {
    const std::optional<Number> number = take_number(rest);
    if (!number) return std::unexpected(quote(text) + " is not a duration");

    const std::string_view name = rest.substr(0, rest.find_first_of(kDigits));
    rest.remove_prefix(name.size());
    if (name.empty()) {
      if (text.find_first_not_of('0') == std::string_view::npos) return std::chrono::nanoseconds{0};
      std::string message = quote(text) + " needs a unit";
      if (text.size() <= 12) message += ", such as " + std::string(text) + "s";
      return std::unexpected(std::move(message));
    }
    const Unit* unit = find_unit(kDurationUnits, name);
    if (unit == nullptr) return std::unexpected(unknown_unit(text, name, kDurationUnits));
    if (previous != nullptr && unit->factor >= previous->factor) {
      return std::unexpected(quote(text) + " must name its units from large to small, each once");
    }
    if (!number->fraction.empty() && !rest.empty()) {
      return std::unexpected(quote(text) + " may have a fraction only in its last number");
    }
    previous = unit;

    const auto value = multiply(*number, unit->factor);
    if (!value && value.error() == Failure::not_exact) {
      return std::unexpected(quote(text) + " is finer than a nanosecond");
    }
    if (value) total += *value;
    if (!value || total > kMaximum) return std::unexpected(quote(text) + " is too long");
  } while (!rest.empty());
  return std::chrono::nanoseconds{static_cast<std::chrono::nanoseconds::rep>(total)};
}

std::string format_duration(std::chrono::nanoseconds duration) {
  if (duration == duration.zero()) return "0s";
  std::string text = duration < duration.zero() ? "-" : "";
  auto rest = static_cast<std::uint64_t>(duration.count());
  if (duration < duration.zero()) rest = 0 - rest;  // also right for the most negative count

  if (rest < kSecond) {
    const auto unit = std::ranges::find_if(
        kDurationUnits, [rest](const Unit& candidate) { return candidate.factor <= rest; });
    return text + decimal(rest, unit->factor) + std::string(unit->name);
  }
  for (const Unit& unit : kDurationUnits) {
    if (unit.factor > kSecond && rest >= unit.factor) {
      text += std::to_string(rest / unit.factor) + std::string(unit.name);
      rest %= unit.factor;
    }
  }
  if (rest != 0) text += decimal(rest, kSecond) + "s";
  return text;
}

}  // namespace simul
