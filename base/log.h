#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace sluice {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : std::uint8_t { kText, kJson };

// LogSink - takes finished lines and never blocks the caller: the sink of a shard is a ring that a
// thread of its own writes to stderr.
class LogSink {
 public:
  virtual ~LogSink() = default;
  // `line` ends with '\n'. A line that finds no room is dropped and counted.
  virtual void write(std::string_view line) noexcept = 0;
};

// Log - what one thread logs through: a sink, a level, a format and a clock.
//
// Affinity  one thread, set_level() too.
class Log {
 public:
  Log(LogSink& sink, Clock& clock, LogLevel level, LogFormat format)
      : sink_(&sink), clock_(&clock), level_(level), format_(format) {}

  [[nodiscard]] bool enabled(LogLevel level) const noexcept { return level >= level_; }
  [[nodiscard]] LogFormat format() const noexcept { return format_; }
  [[nodiscard]] Clock& clock() const noexcept { return *clock_; }
  [[nodiscard]] LogSink& sink() const noexcept { return *sink_; }
  void set_level(LogLevel level) noexcept { level_ = level; }

 private:
  LogSink* sink_;
  Clock* clock_;
  LogLevel level_;
  LogFormat format_;
};

// "debug", "info", "warning", "error". Static storage.
[[nodiscard]] std::string_view log_level_text(LogLevel level) noexcept;

// LogLine - builds one line in a buffer on the stack and hands it to the sink when it dies:
//
//   LogLine(log, LogLevel::kWarning, "account cooled").field("account", name).field("seconds", 30);
//
//   2026-01-31T08:15:00.250Z warning account cooled account=team-a seconds=30
//   {"time":"2026-01-31T08:15:00.250Z","level":"warning","message":"account cooled",...}
//
// Values are escaped (controls, quotes, and the characters that turn the direction of text or the
// line on a screen; bytes that are no UTF-8 become \xNN), so that no client can forge a line. A
// line is cut at kLogLineBytesMax, between two characters, and then says so: cut=true. No malloc.
class LogLine {
 public:
  static constexpr std::size_t kLogLineBytesMax = 2048;

  LogLine(const Log& log, LogLevel level, std::string_view message)
      : log_(&log), enabled_(log.enabled(level)) {
    if (enabled_) begin(level, message);
  }
  ~LogLine() {
    if (enabled_) end();
  }
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;

  LogLine& field(std::string_view key, std::string_view value) & {
    if (enabled_) add_text(key, value);
    return *this;
  }
  LogLine& field(std::string_view key, std::int64_t value) & {
    if (enabled_) add_number(key, value);
    return *this;
  }
  // A value that takes at most `bytes_max` of the line (3 to kLogLineBytesMax), escaped and without
  // its quotes: a longer one is cut between two characters and ends with "...". For what strangers
  // choose, so that it cannot push the fields behind it out of the line.
  LogLine& field(std::string_view key, std::string_view value, std::size_t bytes_max) & {
    if (enabled_) add_bounded_text(key, value, bytes_max);
    return *this;
  }
  LogLine&& field(std::string_view key, std::string_view value) && {
    return static_cast<LogLine&&>(field(key, value));
  }
  LogLine&& field(std::string_view key, std::int64_t value) && {
    return static_cast<LogLine&&>(field(key, value));
  }

 private:
  void begin(LogLevel level, std::string_view message) noexcept;
  void end() noexcept;
  void add_text(std::string_view key, std::string_view value) noexcept;
  void add_bounded_text(std::string_view key, std::string_view value,
                        std::size_t bytes_max) noexcept;
  void add_number(std::string_view key, std::int64_t value) noexcept;
  [[nodiscard]] bool json() const noexcept { return log_->format() == LogFormat::kJson; }
  // Room before the part of the buffer that the end of the line needs.
  [[nodiscard]] std::size_t room() const noexcept;
  // Writes the separator and the key when they and `value_bytes` more fit; else marks the cut.
  bool open_field(std::string_view key, std::size_t value_bytes) noexcept;
  void append(std::string_view text) noexcept;
  // As much of `text` as fits with `reserve` bytes left over.
  void append_escaped(std::string_view text, std::size_t reserve) noexcept;

  const Log* log_;
  bool enabled_;
  bool cut_ = false;
  std::size_t size_ = 0;
  char buffer_[kLogLineBytesMax];
};

}  // namespace sluice
