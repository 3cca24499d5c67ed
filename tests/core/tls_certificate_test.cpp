// What is in certificate files, and what is wrong with them.
#include <simul/tls_certificate.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <simul/tls_error.hpp>
#include <simul/tls_stream.hpp>

#include "certificates.hpp"

using namespace simul;
using namespace simul::test;
using namespace std::chrono_literals;

namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Complaint {
  std::string file;
  std::string why;
  friend bool operator==(const Complaint&, const Complaint&) = default;
};
doctest::String toString(const Complaint& complaint) {
  return (complaint.file + " | " + complaint.why).c_str();
}

template <typename Use>
Complaint complaint_about(Use use) {
  try {
    use();
  } catch (const TlsError& error) {
    CHECK(error.what() == (error.file().empty() ? "" : error.file() + ": ") + error.why());
    return {error.file(), error.why()};
  }
  return {"", "nothing"};
}

/// Of inspect() and of load(), which have to agree on everything but the OCSP response.
Complaint complaint_about(const TlsCertificate& files) {
  const Complaint inspected = complaint_about([&] { (void)inspect(files); });
  if (files.ocsp.empty()) {
    CHECK(inspected ==
          complaint_about([&] { (void)TlsServerContext::load({.certificates = {files}}); }));
  }
  return inspected;
}

/// Near enough: now + `offset`.
bool is_about(std::chrono::system_clock::time_point time, std::chrono::seconds offset) {
  const auto difference = time - std::chrono::system_clock::now() - offset;
  return difference > -10min && difference < 10min;  // the authority may have been made a while ago
}

}  // namespace

TEST_SUITE("tls certificates") {
  TEST_CASE("a certificate says whose it is, who signed it, for how long, and its kind of key") {
    const auto files = certificates().make(
        "inspected", {.names = {"example.org", "*.example.org", "127.0.0.1"}, .valid_to = 7200});
    const TlsCertificateInfo info = inspect(files);
    CHECK(info.subject == "CN=example.org");
    CHECK(info.issuer == "CN=simul test authority");
    CHECK(info.names == std::vector<std::string>{"example.org", "*.example.org", "127.0.0.1"});
    CHECK(is_about(info.not_before, -3600s));
    CHECK(is_about(info.not_after, 7200s));
    CHECK(info.key == "EC P-256");
    CHECK(inspect(certificates().make("inspected-rsa", {.key = "RSA"})).key == "RSA 2048");
    CHECK(inspect(certificates().make("inspected-ed", {.key = "ED25519"})).key == "Ed25519");
  }

  TEST_CASE("an expired certificate is reported, and so is one that outlives the clock") {
    const auto old = certificates().make("expired", {.valid_from = -7200, .valid_to = -3600});
    CHECK(is_about(inspect(old).not_after, -3600s));
    constexpr long kYear = 365L * 24 * 3600;
    const auto eternal = certificates().make("eternal", {.valid_to = 7000 * kYear});
    CHECK(inspect(eternal).not_after > std::chrono::system_clock::now() + 24h * 365 * 200);
  }

  TEST_CASE("certificate and key may stand in one file, which anybody may read") {
    const auto files = certificates().make("two-files");
    const std::string one =
        certificates().write("one-file.pem", content_of(files.certificate) + content_of(files.key));
    std::filesystem::permissions(one, std::filesystem::perms(0644));
    CHECK(inspect({.certificate = one, .key = ""}).subject == "CN=example.org");
  }

  TEST_CASE("names that the operator gives are not compared with the certificate") {
    TlsCertificate files = certificates().make("named-otherwise");
    files.names = {"elsewhere.example"};
    CHECK(inspect(files).names == std::vector<std::string>{"example.org"});
  }

  TEST_CASE("what keeps a certificate from being used is said, with the file") {
    const auto good = certificates().make("usable");
    const auto other = certificates().make("other");
    const std::string folder = certificates().folder();
    const std::string missing = folder + "/missing.pem";
    const std::string empty = certificates().write("empty.pem", "");
    const std::string text = certificates().write("text.pem", "no PEM\n");
    const std::string encrypted = certificates().make_encrypted_key("encrypted");
    std::string bytes = content_of(good.certificate);
    const std::string cut = certificates().write("cut.pem", bytes.substr(0, bytes.size() / 2));
    const std::string half =
        certificates().write("half.pem", bytes + bytes.substr(0, bytes.size() / 2));

    CHECK(complaint_about(good) == Complaint{"", "nothing"});
    CHECK(complaint_about({.certificate = missing, .key = good.key}) ==
          Complaint{missing, "No such file or directory"});
    CHECK(complaint_about({.certificate = good.certificate, .key = missing}) ==
          Complaint{missing, "No such file or directory"});
    CHECK(complaint_about({.certificate = folder, .key = good.key}) ==
          Complaint{folder, "Is a directory"});
    CHECK(complaint_about({.certificate = "/dev/zero", .key = good.key}) ==
          Complaint{"/dev/zero", "the file has more than 16 MiB"});
    CHECK(complaint_about({.certificate = empty, .key = good.key}) ==
          Complaint{empty, "the file is empty"});
    CHECK(complaint_about({.certificate = text, .key = good.key}) ==
          Complaint{text, "no certificate in PEM form is in this file"});
    CHECK(complaint_about({.certificate = cut, .key = good.key}) ==
          Complaint{cut, "certificate 1: bad end line"});
    CHECK(complaint_about({.certificate = half, .key = good.key}) ==
          Complaint{half, "certificate 2: bad end line"});
    CHECK(complaint_about({.certificate = good.certificate, .key = good.certificate}) ==
          Complaint{good.certificate, "no private key in PEM form is in this file"});
    CHECK(complaint_about({.certificate = good.certificate, .key = other.key}) ==
          Complaint{other.key, "the key doesn't belong to the certificate " + good.certificate});
    CHECK(complaint_about({.certificate = good.certificate, .key = encrypted}) ==
          Complaint{encrypted,
                    "the key is encrypted: there is nobody to ask for its password "
                    "(cure: openssl pkey -in FILE -out NEW)"});
  }

  TEST_CASE("an OCSP response has to be one, for this certificate, good, and of today") {
    const auto files = certificates().make("stapled");
    const auto other = certificates().make("not-stapled");
    const auto with = [&](const std::string& ocsp) {
      return complaint_about(
          TlsCertificate{.certificate = files.certificate, .key = files.key, .ocsp = ocsp});
    };
    const auto answer = [&](const OcspWish& wish) {
      return certificates().make_ocsp("answer", files.certificate, wish);
    };
    const std::string path = answer({});
    CHECK(with(path) == Complaint{"", "nothing"});
    const std::string missing = path + ".missing";
    CHECK(with(missing) == Complaint{missing, "No such file or directory"});
    const std::string text = certificates().write("text.ocsp", "no DER");
    CHECK(with(text) == Complaint{text, "no OCSP response in DER form is in this file"});
    const std::string more = certificates().write("more.ocsp", content_of(path) + "\n");
    CHECK(with(more) == Complaint{more, "no OCSP response in DER form is in this file"});
    const std::string foreign = certificates().make_ocsp("foreign", other.certificate);
    CHECK(with(foreign) == Complaint{foreign, "the OCSP response is for another certificate"});
    CHECK(with(answer({.response = OCSP_RESPONSE_STATUS_TRYLATER})) ==
          Complaint{path, "the authority gave no OCSP response but an error: trylater"});
    CHECK(with(answer({.certificate = V_OCSP_CERTSTATUS_REVOKED})) ==
          Complaint{path, "the OCSP response says that the certificate is revoked"});
    CHECK(with(answer({.from = 600})) == Complaint{path, "the OCSP response isn't valid yet"});
    CHECK(with(answer({.from = -7200, .until = -3600})) ==
          Complaint{path, "the OCSP response is out of date: there should have been a newer one"});
  }

  TEST_CASE("a file of authorities says what each of them is") {
    const auto second = certificates().make("second-authority", {.common_name = "second"});
    const std::string both = certificates().write(
        "authorities.pem", content_of(certificates().ca()) + content_of(second.certificate));
    const std::vector<TlsCertificateInfo> authorities = inspect_authorities(both);
    REQUIRE(authorities.size() == 2);
    CHECK(authorities[0].subject == "CN=simul test authority");
    CHECK(authorities[0].issuer == authorities[0].subject);
    CHECK(authorities[0].key == "EC P-256");
    CHECK(is_about(authorities[0].not_after, 3600s));
    CHECK(authorities[1].subject == "CN=second");
    const std::string missing = certificates().folder() + "/missing.pem";
    CHECK(complaint_about([&] { (void)inspect_authorities(missing); }) ==
          Complaint{missing, "No such file or directory"});
    CHECK(complaint_about([&] { (void)inspect_authorities(second.key); }) ==
          Complaint{second.key, "no certificate in PEM form is in this file"});
  }

  TEST_CASE("settings that make no server are refused, and no file is to blame") {
    const auto good = certificates().make("settings");
    const auto load = [](const TlsServerSettings& settings) {
      return complaint_about([&] { (void)TlsServerContext::load(settings); });
    };
    CHECK(load({}) == Complaint{"", "a TLS server needs a certificate"});
    CHECK(load({.certificates = {good}, .client_certificate = ClientCertificate::required}) ==
          Complaint{"", "client certificates are wanted, but no client_ca says who may sign them"});
    CHECK(load({.certificates = {good}, .alpn = {""}}) ==
          Complaint{"", "ALPN: a protocol's name has 1 to 255 bytes"});
  }
}
