#include "certificate_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <new>
#include <system_error>

#include <openssl/pem.h>

#include <simul/tls_error.hpp>

#include "ocsp.hpp"

namespace simul::detail {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

BioPointer as_bio(const std::string& content) {
  BioPointer bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr ||
      BIO_write(bio.get(), content.data(), static_cast<int>(content.size())) < 0) {
    throw std::bad_alloc();
  }
  return bio;
}

/// Nobody is asked for a password; that one was wanted is remembered.
int no_password(char*, int, int, void* wanted) {
  *static_cast<bool*>(wanted) = true;
  return -1;
}

KeyPointer read_key(const std::string& path) {
  const BioPointer file = as_bio(read_file(path));
  bool encrypted = false;
  KeyPointer key(PEM_read_bio_PrivateKey(file.get(), nullptr, no_password, &encrypted));
  if (key == nullptr) {
    fail(path, encrypted ? "the key is encrypted: there is nobody to ask for its password "
                           "(cure: openssl pkey -in FILE -out NEW)"
                         : "no private key in PEM form is in this file");
  }
  return key;
}

}  // namespace

void fail(const std::string& path, const std::string& why) {
  ERR_clear_error();
  throw TlsError(path, why);
}

std::string read_file(const std::string& path) {
  static constexpr std::size_t kMost = std::size_t{16} << 20;  // a device would never end
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  std::string content;
  bool failed = file == nullptr;
  while (!failed && content.size() <= kMost) {
    std::array<char, 4096> piece{};
    const std::size_t size = std::fread(piece.data(), 1, piece.size(), file.get());
    content.append(piece.data(), size);
    if (size < piece.size()) {
      failed = std::ferror(file.get()) != 0;
      break;
    }
  }
  if (failed) {
    fail(path, std::system_category().message(errno));
  }
  if (content.empty()) {
    fail(path, "the file is empty");
  }
  if (content.size() > kMost) {
    fail(path, "the file has more than 16 MiB");
  }
  return content;
}

std::vector<CertificatePointer> read_certificates(const std::string& path) {
  return parse_certificates(read_file(path), path);
}

std::vector<CertificatePointer> parse_certificates(const std::string& content,
                                                   const std::string& path) {
  const BioPointer file = as_bio(content);
  std::vector<CertificatePointer> chain;
  while (X509* certificate = PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)) {
    chain.emplace_back(certificate);
  }
  const unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    fail(path, "certificate " + std::to_string(chain.size() + 1) + ": " + take_openssl_error());
  }
  if (chain.empty()) {
    fail(path, "no certificate in PEM form is in this file");
  }
  ERR_clear_error();
  return chain;
}

std::string lower(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  });
  return name;
}

LoadedCertificate load_certificate(const TlsCertificate& from) {
  LoadedCertificate loaded;
  loaded.chain = read_certificates(from.certificate);
  const std::string& key_path = from.key.empty() ? from.certificate : from.key;
  loaded.key = read_key(key_path);
  if (X509_check_private_key(loaded.chain.front().get(), loaded.key.get()) != 1) {
    fail(key_path, "the key doesn't belong to the certificate " + from.certificate);
  }
  if (!from.ocsp.empty()) {
    loaded.ocsp = read_file(from.ocsp);
    loaded.ocsp_end = ocsp_end(loaded.ocsp, *loaded.chain.front());
  }
  loaded.names = from.names.empty() ? names_of(*loaded.chain.front()) : from.names;
  std::ranges::transform(loaded.names, loaded.names.begin(), lower);
  return loaded;
}

}  // namespace simul::detail
