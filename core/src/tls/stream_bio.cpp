#include "stream_bio.hpp"

#include <new>
#include <string_view>

namespace simul::detail {
namespace {

constexpr const char* kName = "simul stream";

int read(BIO* bio, char* data, std::size_t size, std::size_t* got) noexcept {
  BIO_clear_retry_flags(bio);
  bool retry = false;
  *got = wire_of(bio).read({reinterpret_cast<std::byte*>(data), size}, retry);
  if (retry) {
    BIO_set_retry_read(bio);
  }
  return *got > 0 ? 1 : 0;
}

int write(BIO* bio, const char* data, std::size_t size, std::size_t* written) noexcept {
  BIO_clear_retry_flags(bio);
  wire_of(bio).write({reinterpret_cast<const std::byte*>(data), size});
  *written = size;
  return 1;
}

long control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }

}  // namespace

TlsWire& wire_of(BIO* bio) noexcept { return *static_cast<TlsWire*>(BIO_get_data(bio)); }

TlsWire* find_wire(BIO* bio) noexcept {
  const bool is_ours = bio != nullptr && std::string_view(BIO_method_name(bio)) == kName;
  return is_ours ? &wire_of(bio) : nullptr;
}

BioPointer make_bio(TlsWire& wire) {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, kName);
    if (made != nullptr) {
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_ctrl(made, control);
    }
    return made;
  }();
  BioPointer bio(method != nullptr ? BIO_new(method) : nullptr);
  if (bio == nullptr) {
    throw std::bad_alloc();
  }
  BIO_set_data(bio.get(), &wire);
  BIO_set_init(bio.get(), 1);
  return bio;
}

}  // namespace simul::detail
