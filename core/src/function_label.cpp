#include "function_label.hpp"

#include <cctype>
#include <cstddef>
#include <source_location>
#include <string>

#include <simul/call_graph.hpp>

namespace simul {
namespace detail {
namespace {

/// Where the bracket that is closed by the last character of `text` opens; npos: nowhere.
std::size_t matching_open(std::string_view text) noexcept {
  const char close = text.back();
  const char open = close == ')' ? '(' : '[';
  int depth = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    depth += text[i] == close ? 1 : text[i] == open ? -1 : 0;
    if (depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

/// Where the name of an operator begins that stands at the end of `text`; the size of the text if there is none.
std::size_t operator_name(std::string_view text) noexcept {
  constexpr std::string_view kWord = "operator";
  const std::size_t found = text.rfind(kWord);
  if (found == std::string_view::npos) {
    return text.size();
  }
  const auto in_name = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const std::size_t end = found + kWord.size();
  const bool is_word =
      (found == 0 || !in_name(text[found - 1])) && end < text.size() && !in_name(text[end]);
  return is_word ? found : text.size();
}

/// Behind the last `separator` that stands outside of all brackets, and isn't part of an operator's name; the
/// whole text if there is none.
std::string_view behind_last(std::string_view text, std::string_view separator) noexcept {
  int depth = 0;
  for (std::size_t i = operator_name(text); i-- > 0;) {
    const char c = text[i];
    depth += c == ')' || c == '>' ? 1 : c == '(' || c == '<' ? -1 : 0;
    if (depth == 0 && text.substr(i).starts_with(separator)) {
      return text.substr(i + separator.size());
    }
  }
  return text;
}

constexpr std::string_view kAnonymous =
    "::(anonymous class)::operator()";  // clang's word for a lambda

}  // namespace

std::string_view qualified_name(std::string_view pretty) noexcept {
  if (pretty.ends_with(']')) {  // the arguments of a template
    if (const std::size_t open = pretty.rfind(" ["); open != std::string_view::npos) {
      pretty = pretty.substr(0, pretty.find(" ["));
    }
  }
  while (!pretty.empty() && !pretty.ends_with(')')) {  // const, noexcept, &&
    pretty.remove_suffix(1);
  }
  if (pretty.empty()) {
    return pretty;
  }
  const std::size_t parameters = matching_open(pretty);
  if (parameters == std::string_view::npos) {
    return pretty;
  }
  return behind_last(pretty.substr(0, parameters), " ");
}

bool is_own_header(std::string_view path) noexcept {
  return path.contains("include/simul/") && path.ends_with(".hpp");
}

bool is_machinery(const std::source_location& site) noexcept {
  return is_own_header(site.file_name()) ||
         qualified_name(site.function_name()).starts_with("simul::detail::");
}

std::string_view base_name(std::string_view path) noexcept {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace detail

std::string function_label(const std::source_location& site) {
  std::string_view name = detail::qualified_name(site.function_name());
  bool is_lambda = false;
  while (name.ends_with(
      detail::kAnonymous)) {  // of one within another the outermost has a name around it
    is_lambda = true;
    name.remove_suffix(detail::kAnonymous.size());
    name = name.substr(0, name.rfind('('));
  }
  return (is_lambda ? "lambda in " : "") + std::string(detail::behind_last(name, "::"));
}

std::string place(const std::source_location& site) {
  return std::string(detail::base_name(site.file_name())) + ':' + std::to_string(site.line());
}

}  // namespace simul
