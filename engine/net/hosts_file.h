#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "engine/net/address_list.h"

namespace sluice {

// HostsFile - what /etc/hosts says (hosts(5)): names and their addresses.
//
// Owns      its table. Immutable, so that all shards share one.
// Lifetime  read on the starting thread, at start and at reload; a shard swaps its pointer and
//           never touches the file (INVARIANTS S2).
// Cost      find(): a binary search, no malloc.
class HostsFile {
 public:
  HostsFile() = default;

  // Lines that are no hosts line, and names that are no names, are passed over as the C library
  // does.
  [[nodiscard]] static HostsFile parse(std::string_view text);

  // Blocks. A file that is not there is an empty one. The error is a sentence for the operator.
  [[nodiscard]] static std::expected<HostsFile, std::string> read(const char* path = "/etc/hosts");

  // The addresses of `name` (lower case, no dot at the end) in the order of the file, empty when it
  // is not there.
  [[nodiscard]] AddressList find(std::string_view name) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

 private:
  struct Row {
    std::uint32_t name_at;
    std::uint32_t name_bytes;
    IpAddress ip;
  };
  [[nodiscard]] std::string_view name_of(const Row& row) const noexcept {
    return std::string_view(names_).substr(row.name_at, row.name_bytes);
  }
  void add_line(std::string_view line);

  std::string names_;
  std::vector<Row> rows_;  // sorted by name; equal names in the order of the file
};

}  // namespace sluice
