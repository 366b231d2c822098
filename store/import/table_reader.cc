#include "store/import/table_reader.h"

#include <algorithm>
#include <utility>

#include "base/decimal.h"
#include "base/units.h"
#include "base/utf8.h"
#include "parser/rfc3339.h"

namespace sluice {
namespace {

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string shown(std::string_view value) {
  constexpr std::size_t kShownBytesMax = 40;
  std::string out = "\"";
  for (const char c : value.substr(0, kShownBytesMax))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (value.size() > kShownBytesMax ? "...\"" : "\"");
}

std::optional<std::int64_t> parse_time(std::string_view value) {
  constexpr std::size_t kDateBytes = 10, kDateTimeBytes = 19;
  if (const auto plain = parse_rfc3339(value)) return plain;
  if (value.size() < kDateTimeBytes || (value[kDateBytes] != ' ' && value[kDateBytes] != 'T')) {
    const auto seconds = parse_scaled_decimal(value, 3);
    return seconds && *seconds >= 0 ? seconds : std::nullopt;
  }
  std::string text(value);
  text[kDateBytes] = 'T';
  if (const auto zoned = parse_rfc3339(text)) return zoned;
  return parse_rfc3339(text + "Z");
}

}  // namespace

std::string ImportFault::text() const {
  std::string out = table;
  if (row != 0) out += " row " + std::to_string(row) + " " + shown(row_name);
  if (!column.empty()) out += " " + column;
  return out + ": " + problem;
}

TableReader::TableReader(const SqliteFile& file, const ImportTable& table,
                         std::vector<ImportFault>& faults)
    : file_(&file), table_(&table), faults_(&faults) {
  std::vector<std::string> present = file.columns(table.name);
  std::ranges::transform(present, present.begin(), [](const auto& name) { return lower(name); });
  exists_ = !present.empty();
  if (!exists_) return;
  std::string sql;
  bool complete = true;
  for (const ImportColumn& column : table.columns) {
    const bool found = std::ranges::find(present, column.name) != present.end();
    sql.append(sql.empty() ? "SELECT " : ", ");
    if (found) sql.append("\"").append(column.name).append("\"");
    else sql.append("NULL");
    if (found || !column.required) continue;
    refuse_table(column.name, "the table has no such column");
    complete = false;
  }
  if (!complete) return;
  auto rows = file.query(sql.append(" FROM \"").append(table.name).append("\""));
  if (rows) rows_.emplace(std::move(*rows));
  else refuse_table("", "cannot be read: " + rows.error());
}

bool TableReader::next() {
  if (!rows_) return false;
  row_is_sound_ = true;
  const SqliteQuery::Step step = rows_->next();
  if (step == SqliteQuery::Step::kFailed)
    refuse_table("", "cannot be read: " + file_->last_error());
  if (step != SqliteQuery::Step::kRow) return false;
  ++row_;
  for (std::size_t at = 0; at < table_->columns.size(); ++at)
    if (table_->columns[at].required && !has(at)) refuse(at, "has no value");
  return true;
}

bool TableReader::has(std::size_t at) const { return !rows_->is_null(static_cast<int>(at)); }

std::string_view TableReader::bytes(std::size_t at) const {
  return rows_->text(static_cast<int>(at));
}

std::string TableReader::text(std::size_t at, std::string_view fallback) {
  if (!has(at)) return std::string(fallback);
  const std::string_view value = bytes(at);
  if (find_invalid_utf8(value) != std::string_view::npos) {
    refuse(at, "is no UTF-8");
    return {};
  }
  return std::string(value);
}

std::uint64_t TableReader::integer(std::size_t at, std::uint64_t fallback) {
  if (!has(at)) return fallback;
  std::string_view value = bytes(at);
  if (value.ends_with(".0")) value.remove_suffix(2);  // a whole number in a REAL column
  const auto number = parse_decimal(value);
  // What is stored and added up later is signed.
  if (number && std::in_range<std::int64_t>(*number)) return *number;
  refuse_value(at, "is not a whole number");
  return fallback;
}

bool TableReader::boolean(std::size_t at, bool fallback) {
  if (!has(at)) return fallback;
  const std::string value = lower(bytes(at));
  if (value == "1" || value == "true") return true;
  if (value != "0" && value != "false") refuse_value(at, "is neither true nor false");
  return false;
}

std::int64_t TableReader::scaled(std::size_t at, int places) {
  if (!has(at)) return 0;
  const auto number = parse_scaled_decimal(bytes(at), places);
  if (number && *number >= 0) return *number;
  refuse_value(at, number ? "is negative" : "is not a number, or too large");
  return 0;
}

std::optional<std::int64_t> TableReader::time(std::size_t at) {
  if (!has(at)) return std::nullopt;
  const auto parsed = parse_time(bytes(at));
  if (!parsed) refuse_value(at, "is not a time like 2026-01-15T12:34:56Z");
  return parsed;
}

std::int64_t TableReader::hour(std::size_t at) {
  constexpr std::size_t kHourBytes = std::string_view("2026-01-15T12:00:00Z").size();
  const std::string_view value = bytes(at);
  const bool on_the_hour =
      value.size() == kHourBytes && value[10] == 'T' && value.ends_with(":00:00Z");
  const auto parsed = on_the_hour ? parse_rfc3339(value) : std::nullopt;
  if (parsed) return *parsed / 1000;
  if (has(at)) refuse_value(at, "is not an hour like 2026-01-15T12:00:00Z");
  return 0;
}

std::int64_t TableReader::day(std::size_t at) {
  const auto parsed = parse_rfc3339(std::string(bytes(at)) + "T00:00:00Z");
  if (parsed) return *parsed / 1000;
  if (has(at)) refuse_value(at, "is not a day like 2026-01-15");
  return 0;
}

void TableReader::refuse(std::size_t at, std::string problem) {
  row_is_sound_ = false;
  if (faults_->size() >= kRowFaultsMax) return;
  faults_->push_back({std::string(table_->name), row_, std::string(bytes(0)),
                      std::string(table_->columns[at].name), std::move(problem)});
}

void TableReader::refuse_value(std::size_t at, std::string_view problem) {
  refuse(at, shown(bytes(at)).append(" ").append(problem));
}

void TableReader::refuse_table(std::string_view column, std::string problem) {
  faults_->push_back({std::string(table_->name), 0, "", std::string(column), std::move(problem)});
}

}  // namespace sluice
