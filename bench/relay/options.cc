#include "bench/relay/options.h"

#include <arpa/inet.h>
#include <sysexits.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace sluice::bench {
namespace {

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

void end_usage(std::string_view what) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(EX_USAGE);
}

void end_os(std::string_view what) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(),
               std::strerror(errno));
  std::exit(EX_OSERR);
}

CommandLine::CommandLine(int argc, char** argv, std::span<const std::string_view> known,
                         std::string_view usage)
    : usage_(usage) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--") || std::ranges::find(known, name.substr(2)) == known.end())
      end_usage("unknown option " + std::string(name) + "\nusage: " + usage_);
    if (i + 1 == argc) end_usage(std::string(name) + " needs a value\nusage: " + usage_);
    values_[std::string(name.substr(2))] = argv[i + 1];
  }
}

std::string CommandLine::text(std::string_view name, std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second;
}

std::string CommandLine::text(std::string_view name) const {
  if (!has(name)) end_usage("--" + std::string(name) + " is missing\nusage: " + usage_);
  return values_.find(name)->second;
}

std::uint64_t CommandLine::number(std::string_view name, std::uint64_t otherwise) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  std::uint64_t value = 0;
  if (!parse_number(found->second, value))
    end_usage("--" + std::string(name) + ": \"" + found->second + "\" is no whole number");
  return value;
}

sockaddr_in parse_ipv4(std::string_view address_and_port) {
  const std::size_t colon = address_and_port.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::uint16_t port = 0;
  const std::string host(address_and_port.substr(0, colon));
  if (colon == std::string_view::npos || !parse_number(address_and_port.substr(colon + 1), port) ||
      inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    end_usage("\"" + std::string(address_and_port) + "\" is no IPv4 address and port");
  address.sin_port = htons(port);
  return address;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) end_os(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sluice::bench
