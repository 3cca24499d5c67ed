// check_transfer_encoding(): may the body of a request come in these transfer codings?
//
//   check_transfer_encoding("chunked")         // 0: yes
//   check_transfer_encoding("gzip, chunked")   // 501: a coding that we don't have
//   check_transfer_encoding("chunked, gzip")   // 400: where would such a body end?
#pragma once

#include <string_view>

namespace simul::http {

/// The status to refuse the request with, or 0. Only exactly one `chunked`, in whatever case, is taken.
int check_transfer_encoding(std::string_view value) noexcept;

}  // namespace simul::http
