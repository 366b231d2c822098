#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "engine/proxy/shard_metrics.h"
#include "engine/route/directory.h"

namespace sluice {

// StoreNumbers - of the store and its journals, what metrics tell (engine/store_figures.h).
struct StoreNumbers {
  std::uint64_t journal_records = 0;       // written and not booked
  std::uint64_t journal_file_bytes = 0;    // all segments
  std::uint64_t journal_memory_bytes = 0;  // kept in memory for as long as the disk takes nothing
  std::uint64_t records_booked = 0;        // since the start
  bool journal_failing = false;            // the disk has refused what journals needed last
  bool failing = false;                    // the database takes nothing, or not what it should
  std::uint64_t database_bytes = 0;        // used, of
  std::uint64_t database_bytes_max = 0;
  Duration since_sync{};                            // all commits before that are on the disk
  std::optional<std::int64_t> backup_unix_ms = {};  // the last one that was made, by any process
  bool backup_failed = false;                       // the last try of this process failed
};

// ProcessFigures - the standard process metrics.
struct ProcessFigures {
  std::uint64_t cpu_ticks = 0;  // user and system
  std::uint64_t ticks_per_second = 100;
  std::uint64_t start_ticks = 0;  // since the machine's boot
  std::uint64_t boot_unix_s = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t virtual_bytes_max = 0;  // 0: no limit
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t fds_max = 0;
  std::uint64_t threads = 0;
};

// MetricsView - all that the metrics are made of, at one moment. What it points to lives longer.
struct MetricsView {
  std::span<const ShardFigures> shards = {};
  const Directory* directory = nullptr;  // in force
  std::array<std::uint64_t, kPriorities> queue_depth{};
  std::optional<StoreNumbers> store = {};      // nothing: none is used
  std::optional<ProcessFigures> process = {};  // nothing: it could not be read
  Instant now{};
  Duration uptime{};
  std::string_view version = {};
};

enum class MetricsFormat : std::uint8_t {
  kText,         // Prometheus text, version 0.0.4
  kOpenMetrics,  // OpenMetrics 1.0
};

// What the client likes best of the two, by its Accept; the text for one that says nothing.
[[nodiscard]] MetricsFormat choose_metrics_format(std::string_view accept) noexcept;
[[nodiscard]] std::string_view metrics_content_type(MetricsFormat format) noexcept;

// Appends the whole scrape to `out`: docs/METRICS.md. Series in the order of docs/METRICS.md,
// accounts in that of the directory, then those that it no longer has.
void write_metrics(const MetricsView& view, MetricsFormat format, std::string& out);

}  // namespace sluice
