#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace sluice::bench {

// Says what is wrong on stderr and ends the program: 64 (EX_USAGE) a wrong command line.
[[noreturn]] void end_usage(std::string_view what);
// The same for a system call that failed, with errno's text: 71 (EX_OSERR).
[[noreturn]] void end_os(std::string_view what);

// CommandLine - the "--name value" pairs of a bench program.
//
// Owns      the values. A name that is not in `known` ends the program with `usage`.
class CommandLine {
 public:
  CommandLine(int argc, char** argv, std::span<const std::string_view> known,
              std::string_view usage);

  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise) const;
  // A value that must be there.
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] std::uint64_t number(std::string_view name, std::uint64_t otherwise) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::string usage_;
};

// "127.0.0.1:9190" as an address; ends the program when it is none.
[[nodiscard]] sockaddr_in parse_ipv4(std::string_view address_and_port);

// The whole of a file.
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace sluice::bench
