#include <simul/config/load.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <simul/config/suggest.hpp>
#include <simul/quote.hpp>

#include "report.hpp"
#include "section_reader.hpp"
#include "source.hpp"
#include "tables.hpp"
#include "tls_reader.hpp"
#include "yaml_reader.hpp"

namespace simul::config {
namespace {

/// Of an option whose bounds stand in a table, so that it fits.
std::optional<std::uint32_t> get_count(const OptionValues& values, std::string_view name) {
  if (!values.has(name)) return std::nullopt;
  return static_cast<std::uint32_t>(values.get_integer(name));
}

class SettingsReader {
 public:
  SettingsReader(std::span<const ProtocolSpec> protocols, Report& report)
      : protocols_(protocols),
        folder_(std::filesystem::path(report.source().filename()).parent_path()),
        report_(report) {}

  Settings read(const Node& root) {
    const SectionReader sections(root, kRoot, "the file", root.offset, report_);
    Settings settings;
    settings.server = read_server(subsection(root, "server"));
    settings.log = read_log(subsection(root, "log"));
    if (root.kind == Node::Kind::map) read_listeners(root, settings.listeners);
    return settings;
  }

 private:
  /// Null if it isn't there: a section without keys.
  static const Node& subsection(const Node& map, std::string_view key) {
    static const Node kAbsent;
    if (map.kind != Node::Kind::map) return kAbsent;
    const auto member = std::ranges::find(*map.members, key, &Member::key);
    return member == map.members->end() ? kAbsent : member->value;
  }

  ServerSettings read_server(const Node& node) {
    const SectionReader section(node, kServer, "server", node.offset, report_);
    const OptionValues& values = section.values();
    return {.threads = get_count(values, "threads"),
            .max_connections = get_count(values, "max_connections").value(),
            .shutdown_timeout = values.get_duration("shutdown_timeout"),
            .stall_threshold = values.get_duration("stall_threshold")};
  }

  LogSettings read_log(const Node& node) {
    const SectionReader section(node, kLog, "log", node.offset, report_);
    const OptionValues& values = section.values();
    return {.level = to_enum<LogLevel>(kLogLevels, values.get_string("level")),
            .format = to_enum<LogFormat>(kLogFormats, values.get_string("format"))};
  }

  void read_listeners(const Node& root, std::vector<ListenerSettings>& listeners) {
    const std::string allowed = "a list of listeners, each with name, address and protocol";
    const auto member = std::ranges::find(*root.members, "listeners", &Member::key);
    if (member == root.members->end()) {
      report_.add(root.offset, "missing key 'listeners' in the file", allowed);
      return;
    }
    const Node& list = member->value;
    if (list.invalid) return;
    if (list.kind != Node::Kind::sequence) {
      report_.add(list.offset, "listeners must be a list, not " + std::string(kind_name(list)),
                  allowed);
    } else if (list.items->empty()) {
      report_.add(list.offset, "there is no listener", allowed);
    } else {
      for (const Node& item : *list.items) {
        if (auto listener = read_listener(item)) listeners.push_back(*std::move(listener));
      }
    }
  }

  /// Nothing if there can't be such a listener; then the reason has been reported.
  std::optional<ListenerSettings> read_listener(const Node& node) {
    if (node.kind == Node::Kind::null && !node.invalid) {
      report_.add(node.offset, "a listener must be a map, not nothing", "name, address, protocol");
      return std::nullopt;
    }
    const SectionReader section(node, kListener, "a listener", node.offset, report_);
    const OptionValues& values = section.values();
    check_name(section, node);
    std::optional<Endpoint> address = read_address(section, node);
    const ProtocolSpec* const protocol = find_protocol(section);
    std::optional<TlsSettings> tls;
    if (const Node* const tls_node = section.find("tls")) {
      tls = read_tls(*tls_node, (protocol != nullptr ? *protocol : ProtocolSpec()).alpn, folder_,
                     report_);
    }
    std::vector<Network> proxies = read_proxies(section, address);
    if (protocol == nullptr) return std::nullopt;
    OptionValues options = read_options(section, node, *protocol);
    if (!address) return std::nullopt;
    const Node* const named_options = section.find("options");
    return ListenerSettings{
        .name = values.get_string("name"),
        .address = *std::move(address),
        .protocol = values.get_string("protocol"),
        .idle_timeout = values.get_duration("idle_timeout"),
        .max_connections = get_count(values, "max_connections"),
        .backlog = static_cast<int>(values.get_integer("backlog")),
        .proxy_protocol =
            to_enum<ProxyProtocol>(kProxyProtocols, values.get_string("proxy_protocol")),
        .trusted_proxies = std::move(proxies),
        .tls = std::move(tls),
        .handshake_timeout = values.get_duration("handshake_timeout"),
        .max_handshakes = get_count(values, "max_handshakes").value(),
        .options = std::move(options),
        .place = report_.source().at((named_options != nullptr ? *named_options : node).offset)};
  }

  void check_name(const SectionReader& section, const Node& listener) {
    constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    if (!section.values().has("name")) return;
    const std::string& name = section.values().get_string("name");
    const std::size_t offset = section.find("name")->offset;
    if (name.empty() || name.find_first_not_of(kCharacters) != std::string::npos) {
      report_.add(offset, "name: " + quote(name) + " is not a name",
                  "lower-case letters, digits, '-' and '_'");
      return;
    }
    const auto [first, is_new] = names_.emplace(name, offset);
    if (!is_new) report_taken(listener, offset, "name: " + quote(name), first->second);
  }

  std::optional<Endpoint> read_address(const SectionReader& section, const Node& listener) {
    if (!section.values().has("address")) return std::nullopt;
    const std::string& text = section.values().get_string("address");
    const std::size_t offset = section.find("address")->offset;
    const auto is_ascii_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; };
    if (std::ranges::any_of(text, is_ascii_control)) {
      report_.add(offset, "address: " + quote(text) + " contains a control character");
      return std::nullopt;
    }
    std::expected<Endpoint, std::string> address = Endpoint::parse(text);
    if (!address) {
      report_.add(offset, "address: " + address.error());  // which says what would be right
      return std::nullopt;
    }
    // With port 0 the kernel chooses a free one each time.
    const bool shareable = address->port() == 0 && address->path().empty();
    if (shareable) return *std::move(address);
    const auto [first, is_new] = addresses_.emplace(address->to_string(), offset);
    if (!is_new) report_taken(listener, offset, "address: " + quote(text), first->second);
    return *std::move(address);
  }

  void report_taken(const Node& listener, std::size_t offset, const std::string& what,
                    std::size_t first) {
    // Through an alias of a whole listener both stand in the same place: then blame the alias.
    report_.add(
        offset == first ? listener.offset : offset,
        what + " is already used on line " + std::to_string(report_.source().line_number(first)),
        "one that no other listener has");
  }

  /// Whom a PROXY header is believed. Nobody by default: its sender chooses the peer's address.
  std::vector<Network> read_proxies(const SectionReader& section,
                                    const std::optional<Endpoint>& address) {
    std::vector<Network> proxies;
    const Node* const list = section.find("trusted_proxies");
    const Node* const mode = section.find("proxy_protocol");
    const bool wanted = mode != nullptr && mode->text != "off";
    const bool needed = wanted && address && address->family() != Endpoint::Family::local;
    if (needed && section.values().get_list("trusted_proxies").empty()) {
      report_.add(mode->offset, "proxy_protocol: nobody is trusted to say for whom a connection is",
                  "together with trusted_proxies, such as [10.0.0.0/8] or [127.0.0.1]");
    }
    if (list == nullptr || list->kind != Node::Kind::sequence) return proxies;
    if (wanted && !needed && address) {
      report_.add(list->offset, "trusted_proxies: on a Unix socket whoever may open it is trusted",
                  "only with an address of TCP");
    }
    if (!wanted) {
      report_.add(list->offset, "trusted_proxies: no PROXY header is read on this listener",
                  "together with proxy_protocol: required or optional");
    }
    for (const Node& item : *list->items) {
      if (item.invalid || item.kind != Node::Kind::scalar) continue;
      if (std::expected<Network, std::string> network = Network::parse(item.text)) {
        proxies.push_back(*network);
      } else {
        report_.add(item.offset, "trusted_proxies: " + network.error());
      }
    }
    return proxies;
  }

  OptionValues read_options(const SectionReader& section, const Node& listener,
                            const ProtocolSpec& protocol) {
    const SectionSpec spec = {.name = "options", .help = "", .keys = protocol.options};
    const Node& node = subsection(listener, "options");
    const bool present = section.find("options") != nullptr;
    const SectionReader options(node, spec, "the options of " + std::string(protocol.name),
                                present ? node.offset : listener.offset, report_);
    OptionValues values = options.values();
    for (const OptionSpec& option : protocol.options) {
      if (!values.has(option.name)) continue;
      if (option.type == OptionType::path) {
        const std::string& path = values.get_string(option.name);
        const bool is_word = std::ranges::find(option.choices, path) != option.choices.end();
        if (!is_word) values.set(option.name, in_folder(path));
      } else if (option.type == OptionType::path_map) {
        OptionMap paths = values.get_map(option.name);
        for (auto& [name, path] : paths)
          path = in_folder(path);
        values.set(option.name, std::move(paths));
      }
    }
    return values;
  }

  /// A path as it stands in the file, seen from where the process is.
  std::string in_folder(const std::string& path) const {
    return (folder_ / path).lexically_normal().string();
  }

  const ProtocolSpec* find_protocol(const SectionReader& section) {
    if (!section.values().has("protocol")) return nullptr;
    const std::string& name = section.values().get_string("protocol");
    const auto protocol = std::ranges::find(protocols_, name, &ProtocolSpec::name);
    if (protocol != protocols_.end()) return &*protocol;
    std::vector<std::string_view> known;
    std::string allowed;
    for (const ProtocolSpec& candidate : protocols_) {
      known.push_back(candidate.name);
      allowed += (allowed.empty() ? "" : ", ") + std::string(candidate.name);
    }
    report_.add(section.find("protocol")->offset, "protocol: " + quote(name) + " is unknown",
                std::move(allowed), suggest(name, known));
    return nullptr;
  }

  std::span<const ProtocolSpec> protocols_;
  std::filesystem::path folder_;
  Report& report_;
  std::map<std::string, std::size_t> names_;
  std::map<std::string, std::size_t> addresses_;
};

}  // namespace

LoadResult load(std::string_view text, std::string_view filename,
                std::span<const ProtocolSpec> protocols) {
  const Source source(text, filename);
  Report report(source);
  Settings settings;
  if (const std::optional<Node> root = read_yaml(source, report)) {
    settings = SettingsReader(protocols, report).read(*root);
  }
  if (!report.empty()) return std::unexpected(report.take());
  return settings;
}

}  // namespace simul::config
