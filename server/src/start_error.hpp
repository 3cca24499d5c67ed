// What an operator is told when a listening socket can't be had: the cause and its cure.
#pragma once

#include <string>
#include <system_error>

namespace simul::server {

/// "listener 'echo': 127.0.0.1:7000: Address already in use; another process ...". `error` is what
/// acquire_listeners threw.
std::string explain_start_error(const std::system_error& error);

}  // namespace simul::server
