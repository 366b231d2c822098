#pragma once

#include <optional>
#include <string_view>

#include "admin/metrics_view.h"

namespace sluice {

// Of this process, from /proc and the kernel: a few files, so not on a shard. Nothing where there
// is no /proc.
[[nodiscard]] std::optional<ProcessFigures> read_process_figures();

// What the kernel says in /proc/self/stat (proc(5)), and the line btime of /proc/stat; false on
// another text. `page_bytes`: of a page of memory.
[[nodiscard]] bool parse_process_stat(std::string_view text, std::uint64_t page_bytes,
                                      ProcessFigures& figures) noexcept;
[[nodiscard]] bool parse_boot_time(std::string_view text, ProcessFigures& figures) noexcept;

}  // namespace sluice
