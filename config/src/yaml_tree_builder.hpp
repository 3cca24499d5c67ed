// Turns yaml-cpp's events into Nodes, reporting what a configuration may not contain on the way.
//
//   YamlTreeBuilder builder(report);
//   while (parser.HandleNextDocument(builder)) {}
//   std::optional<Node> root = builder.take_root();
//
// What makes reading on pointless is reported and then thrown as a StopReading, through the parser.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>

#include "node.hpp"
#include "report.hpp"

namespace simul::config {

struct StopReading {};

/// A stretch of the source.
struct Extent {
  std::size_t begin = 0;
  std::size_t end = 0;
};

class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  explicit YamlTreeBuilder(Report& report) : report_(report), text_(report.source().text()) {}

  /// Nothing if there was no document.
  std::optional<Node> take_root() { return std::move(root_); }

  // What was being read when the parser gave up, to explain its error.
  const std::optional<Extent>& last_quoted() const { return last_quoted_; }
  /// Where the innermost `[` or `{` stands that is still open.
  std::optional<std::size_t> open_bracket() const;

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close_container(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close_container(); }

 private:
  /// How much a value stands for, aliases within it expanded.
  struct Weight {
    std::size_t values = 0;
    std::size_t text = 0;
    std::size_t height = 0;  ///< levels of containers
  };

  struct Anchored {
    Node node;
    Weight weight;
  };

  /// A container whose end hasn't come yet.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    Weight before;           ///< total_ when it began
    std::size_t height = 1;  ///< grows with its children
    std::vector<Node> items;
    std::vector<Member> members;
    std::unordered_map<std::string, std::size_t> keys;  ///< with their offsets
    std::optional<Member> pending;                      ///< key seen, value not yet
    bool drop_pending = false;  ///< the key was refused; its value is only skipped
  };

  [[noreturn]] void stop(std::size_t offset, std::string message, std::string allowed);
  void count(std::size_t offset, const Weight& weight);
  void check_tag(Node& node, std::string_view written, std::size_t offset);
  void open_container(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
                      YAML::anchor_t anchor);
  void close_container();
  void place(Node node, YAML::anchor_t anchor, const Weight& weight);
  void take_key(Open& map, Node key);

  Report& report_;
  std::string_view text_;
  std::optional<Node> root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  Weight total_;
  std::optional<Extent> last_quoted_;
  bool started_ = false;
};

}  // namespace simul::config
