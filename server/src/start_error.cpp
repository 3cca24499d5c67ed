#include "start_error.hpp"

#include <cerrno>
#include <string_view>

namespace simul::server {
namespace {

std::string_view cure(int error) {
  switch (error) {
    case EADDRINUSE:
      return "; something listens there: another listener of this configuration, or a process that "
             "`ss -lntxp` shows";
    case EACCES:
    case EPERM:
      return "; a port below 1024 needs the capability CAP_NET_BIND_SERVICE (as root: setcap "
             "cap_net_bind_service=+ep on the binary), a Unix socket a folder that may be written "
             "to";
    case EADDRNOTAVAIL:
      return "; no network interface of this machine has that address: `ip address` lists them";
    case EAFNOSUPPORT:
      return "; this machine doesn't speak that kind of address (is IPv6 switched off?)";
    case ENOENT:
    case ENOTDIR:
      return "; the folder of the Unix socket doesn't exist";
    case EMFILE:
      return "; raise the limit of descriptors (ulimit -n, LimitNOFILE=)";
    default:
      return "";
  }
}

}  // namespace

std::string explain_start_error(const std::system_error& error) {
  std::string text = error.what();
  text += cure(error.code().value());
  return text;
}

}  // namespace simul::server
