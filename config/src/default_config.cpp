// ccache:disable  It doesn't see that the embedded file is part of what is compiled.
#include <string_view>

#include <simul/config/reference.hpp>

namespace simul::config {
namespace {

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif
constexpr char kText[] = {
#embed "../default.yaml"
};

}  // namespace

std::string_view default_config() { return {kText, sizeof kText}; }

}  // namespace simul::config
