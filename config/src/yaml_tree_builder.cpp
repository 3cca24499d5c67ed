#include "yaml_tree_builder.hpp"

#include <algorithm>
#include <utility>

#include <yaml-cpp/mark.h>

#include <simul/quote.hpp>

#include "limits.hpp"
#include "yaml_lexeme.hpp"

namespace simul::config {
namespace {

std::size_t offset_of(const YAML::Mark& mark) { return static_cast<std::size_t>(mark.pos); }

}  // namespace

void YamlTreeBuilder::stop(std::size_t offset, std::string message, std::string allowed) {
  report_.add(offset, std::move(message), std::move(allowed));
  throw StopReading{};
}

void YamlTreeBuilder::count(std::size_t offset, const Weight& weight) {
  total_.values += weight.values;
  total_.text += weight.text;
  if (total_.values > kMaxValues) stop(offset, "the file stands for too many values", "100,000");
  if (total_.text > kMaxExpandedText) {
    stop(offset, "the aliases stand for too much text", "4 MiB in all");
  }
}

std::optional<std::size_t> YamlTreeBuilder::open_bracket() const {
  for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
    const std::size_t offset = open->node.offset;
    if (offset < text_.size() && (text_[offset] == '[' || text_[offset] == '{')) return offset;
  }
  return std::nullopt;
}

void YamlTreeBuilder::OnDocumentStart(const YAML::Mark& mark) {
  if (std::exchange(started_, true)) {
    const std::size_t offset = offset_of(mark);
    const bool marked = text_.substr(std::min(offset, text_.size())).starts_with("---");
    stop(offset, marked ? "a second document begins here" : "text after the end of the document",
         "one document");
  }
}

void YamlTreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  std::size_t offset = value_start(text_, offset_of(mark)).offset;
  if (!is_written_null(text_, offset)) {
    // An absent value has no position; yaml-cpp gives that of whatever comes next.
    const bool of_key = !open_.empty() && open_.back().pending;
    const std::size_t before = text_.substr(0, offset_of(mark)).find_last_not_of(" \t\r\n");
    offset = of_key                             ? open_.back().pending->key_offset
             : before == std::string_view::npos ? 0
                                                : before;
  }
  const Weight weight{.values = 1};
  count(offset, weight);
  place({.kind = Node::Kind::null, .offset = offset}, anchor, weight);
}

void YamlTreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const std::size_t offset = offset_of(mark);
  const auto target = anchors_.find(anchor);
  if (target == anchors_.end()) {
    report_.add(offset, "the alias stands for a value that contains it");
    place({.offset = offset, .invalid = true}, 0, {});
    return;
  }
  const Weight& weight = target->second.weight;
  if (open_.size() + weight.height > kMaxDepth) {
    stop(offset, "the alias makes values nest too deep", "32 levels");
  }
  count(offset, weight);
  Node node = target->second.node;
  node.offset = offset;
  place(std::move(node), 0, weight);
}

void YamlTreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag,
                               YAML::anchor_t anchor, const std::string& value) {
  const ValueStart start = value_start(text_, offset_of(mark));
  const char first = start.offset < text_.size() ? text_[start.offset] : '\0';
  const bool quoted = first == '"' || first == '\'';
  const bool block = first == '|' || first == '>';
  Node node{.kind = Node::Kind::scalar, .offset = start.offset, .plain = !quoted && !block};
  node.text = value;
  if (quoted) {
    // yaml-cpp takes the end of the file for the closing quote.
    const std::size_t end = closing_quote(text_, start.offset);
    if (end == std::string_view::npos) {
      stop(start.offset, "this quote is never closed", std::string("a closing ") + first);
    }
    last_quoted_ = {start.offset, end};
  }
  // yaml-cpp gives quoted scalars the tag `!`, too.
  if (tag != "?" && (tag != "!" || node.plain)) check_tag(node, start.tag, offset_of(mark));
  if (value.contains('\0')) {
    report_.add(node.offset, "the text contains a NUL character");
    node.invalid = true;
  }
  const Weight weight{.values = 1, .text = value.size()};
  count(node.offset, weight);
  place(std::move(node), anchor, weight);
}

void YamlTreeBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                      YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  open_container(Node::Kind::sequence, mark, tag, anchor);
}

void YamlTreeBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag,
                                 YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  open_container(Node::Kind::map, mark, tag, anchor);
}

void YamlTreeBuilder::check_tag(Node& node, std::string_view written, std::size_t offset) {
  const std::size_t at =
      written.empty() ? offset : static_cast<std::size_t>(written.data() - text_.data());
  report_.add(at, "the tag " + quote(written) + " is not supported",
              "no tags; quotes make a value a string");
  node.invalid = true;
}

void YamlTreeBuilder::open_container(Node::Kind kind, const YAML::Mark& mark,
                                     const std::string& tag, YAML::anchor_t anchor) {
  const ValueStart start = value_start(text_, offset_of(mark));
  if (open_.size() >= kMaxDepth) stop(start.offset, "values nest too deep", "32 levels");
  Open open{.node = {.kind = kind, .offset = start.offset}, .anchor = anchor, .before = total_};
  if (tag != "?") check_tag(open.node, start.tag, offset_of(mark));
  count(start.offset, {.values = 1});
  open_.push_back(std::move(open));
}

void YamlTreeBuilder::close_container() {
  Open closed = std::move(open_.back());
  open_.pop_back();
  if (closed.node.kind == Node::Kind::map) {
    closed.node.members = std::make_shared<const std::vector<Member>>(std::move(closed.members));
  } else {
    closed.node.items = std::make_shared<const std::vector<Node>>(std::move(closed.items));
  }
  const Weight weight{.values = total_.values - closed.before.values,
                      .text = total_.text - closed.before.text,
                      .height = closed.height};
  place(std::move(closed.node), closed.anchor, weight);
}

void YamlTreeBuilder::place(Node node, YAML::anchor_t anchor, const Weight& weight) {
  if (anchor != 0) anchors_[anchor] = {.node = node, .weight = weight};
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = open_.back();
  parent.height = std::max(parent.height, weight.height + 1);
  if (parent.node.kind == Node::Kind::sequence) {
    parent.items.push_back(std::move(node));
  } else if (!parent.pending) {
    take_key(parent, std::move(node));
  } else {
    parent.pending->value = std::move(node);
    if (!parent.drop_pending) parent.members.push_back(*std::move(parent.pending));
    parent.pending.reset();
  }
}

void YamlTreeBuilder::take_key(Open& map, Node key) {
  map.drop_pending = true;
  if (key.kind != Node::Kind::scalar) {
    if (!key.invalid) report_.add(key.offset, "a key must be text", "a name before the ':'");
  } else if (key.plain && key.text == "<<") {
    report_.add(key.offset, "merge keys are not supported",
                "all keys written out; an alias (*name) can stand for a whole value");
  } else if (const auto [first, is_new] = map.keys.emplace(key.text, key.offset); !is_new) {
    report_.add(key.offset, "the key " + quote(key.text) + " is already on line " +
                                std::to_string(report_.source().line_number(first->second)));
  } else {
    map.drop_pending = key.invalid;
  }
  map.pending = Member{.key = std::move(key.text), .key_offset = key.offset, .value = {}};
}

}  // namespace simul::config
