#include "tls_reader.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <simul/quote.hpp>

#include "section_reader.hpp"
#include "tables.hpp"

namespace simul::config {
namespace {

constexpr std::size_t kLongestAlpn = 255;  // RFC 7301, section 3.1

class TlsReader {
 public:
  TlsReader(const std::filesystem::path& folder, Report& report)
      : folder_(folder), report_(report) {}

  TlsSettings read(const Node& node, std::span<const std::string_view> default_alpn) {
    if (node.kind == Node::Kind::null && !node.invalid) {
      report_.add(node.offset, "tls must be a map, not nothing", "certificate, key, ...");
      return {};
    }
    const SectionReader section(node, kTls, "tls", node.offset, report_);
    TlsSettings settings;
    settings.certificates.push_back(read_certificate(section));
    read_sni(section, settings.certificates);
    settings.client_ca = read_file(section, "client_ca");
    const OptionValues& values = section.values();
    settings.client_certificate =
        to_enum<ClientCertificate>(kClientCertificates, values.get_string("client_certificate"));
    settings.minimum_version =
        to_enum<TlsVersion>(kTlsVersions, values.get_string("minimum_version"));
    settings.alpn = values.has("alpn")
                        ? values.get_list("alpn")
                        : std::vector<std::string>(default_alpn.begin(), default_alpn.end());
    check_alpn(section, settings.alpn);
    const Node* const policy = section.find("client_certificate");
    if (policy != nullptr && section.find("client_ca") == nullptr) {
      report_.add(policy->offset, "client_certificate: nobody says who may sign it",
                  "only together with client_ca");
    }
    return settings;
  }

 private:
  CertificateSettings read_certificate(const SectionReader& section) {
    return {.certificate = read_file(section, "certificate"),
            .key = read_file(section, "key"),
            .ocsp = read_file(section, "ocsp")};
  }

  NamedFile read_file(const SectionReader& section, std::string_view key) {
    const Node* const node = section.find(key);
    if (node == nullptr || !section.values().has(key)) return {};
    const std::string& path = section.values().get_string(key);
    return {.path = (folder_ / path).lexically_normal().string(),
            .place = report_.source().at(node->offset)};
  }

  void read_sni(const SectionReader& section, std::vector<CertificateSettings>& certificates) {
    const Node* const list = section.find("sni");
    if (list == nullptr) return;
    const std::string allowed = "a list of certificates, each with certificate, key and names";
    if (list->kind != Node::Kind::sequence) {
      report_.add(list->offset, "sni must be a list, not " + std::string(kind_name(*list)),
                  allowed);
      return;
    }
    for (const Node& item : *list->items) {
      if (item.kind == Node::Kind::null && !item.invalid) {
        report_.add(item.offset, "an item of sni must be a map, not nothing",
                    "certificate, key, names");
        continue;
      }
      const SectionReader reader(item, kSni, "an item of sni", item.offset, report_);
      CertificateSettings certificate = read_certificate(reader);
      certificate.names = reader.values().get_list("names");
      check_names(reader);
      certificates.push_back(std::move(certificate));
    }
  }

  /// A star is the whole first label (RFC 6125, section 6.4.3).
  void check_names(const SectionReader& section) {
    const Node* const names = section.find("names");
    if (names == nullptr || names->kind != Node::Kind::sequence) return;
    for (const Node& name : *names->items) {
      if (name.invalid || name.kind != Node::Kind::scalar) continue;
      std::string_view host = name.text;
      if (host.starts_with("*.")) host.remove_prefix(2);
      const bool odd = std::ranges::any_of(
          host, [](char c) { return c <= ' ' || c > '~' || c == '*' || c == '/' || c == ':'; });
      if (odd || host.empty() || host.starts_with('.') || host.ends_with('.')) {
        report_.add(name.offset, "names: " + quote(name.text) + " is not the name of a server",
                    "example.org, www.example.org, *.example.org (and xn--... for others)");
      }
    }
  }

  void check_alpn(const SectionReader& section, const std::vector<std::string>& alpn) {
    const Node* const list = section.find("alpn");
    if (list == nullptr || list->kind != Node::Kind::sequence) return;
    const auto wrong = std::ranges::find_if(
        alpn, [](const std::string& name) { return name.empty() || name.size() > kLongestAlpn; });
    if (wrong != alpn.end()) {
      report_.add(list->offset, "alpn: " + quote(*wrong) + " is not the name of a protocol",
                  "names of 1 to 255 bytes, such as [http/1.1]");
    }
  }

  const std::filesystem::path& folder_;
  Report& report_;
};

}  // namespace

TlsSettings read_tls(const Node& node, std::span<const std::string_view> default_alpn,
                     const std::filesystem::path& folder, Report& report) {
  return TlsReader(folder, report).read(node, default_alpn);
}

}  // namespace simul::config
