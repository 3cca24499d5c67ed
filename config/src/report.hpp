// Collects what is wrong with one source, in the order in which it is found, and hands it out in
// the order in which it stands in the file.
//
//   report.add(node.offset, "the list is empty", "at least one listener");
//
// It stops collecting at a hundred: a binary file passed by mistake mustn't fill a disk.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <simul/config/diagnostic.hpp>

#include "source.hpp"

namespace simul::config {

class Report {
 public:
  explicit Report(const Source& source) : source_(source) {}

  const Source& source() const { return source_; }
  bool empty() const { return found_.empty(); }

  void add(std::size_t offset, std::string message, std::string allowed = {},
           std::string suggestion = {});

  /// Sorted by position.
  std::vector<Diagnostic> take();

 private:
  const Source& source_;
  std::multimap<std::size_t, Diagnostic> found_;  ///< by offset
  // What an anchor holds is validated again for each of its aliases; one report of it is enough.
  std::set<std::pair<std::size_t, std::string>> seen_;
  bool full_ = false;
};

}  // namespace simul::config
