#include <sys/resource.h>

#include <fmt/format.h>

#include <simul/load/run.hpp>

namespace simul::load {
namespace {

constexpr std::size_t kOthers = 64;  // loops, files, terminal

}  // namespace

void make_room_for(std::size_t connections) {
  const rlim_t needed = connections + kOthers;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t hard = limit.rlim_max;
  limit.rlim_cur = hard;
  if (hard < needed) {
    limit.rlim_cur = limit.rlim_max = needed;  // only the superuser may
  }
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0 || hard >= needed) {
    return;
  }
  throw CannotStart(fmt::format(
      "{} connections need {} descriptors, but this process may have only {}. Raise the limit "
      "(ulimit -Hn {} as root, or LimitNOFILE= of the service), or ask for at most {} connections.",
      connections, needed, hard, needed, hard > kOthers ? hard - kOthers : 0));
}

}  // namespace simul::load
