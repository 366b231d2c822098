#include "admin/metrics_writer.h"

#include <charconv>

#include "base/utf8.h"

namespace sluice {
namespace {

// A decimal number of up to 20 digits.
class Digits {
 public:
  explicit Digits(std::uint64_t value) noexcept
      : end_(std::to_chars(text_, text_ + sizeof(text_), value).ptr) {}
  [[nodiscard]] std::string_view text() const noexcept {
    return {text_, static_cast<std::size_t>(end_ - text_)};
  }

 private:
  char text_[20];
  char* end_;
};

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '\\': out += "\\\\"; break;
    case '"': out += "\\\""; break;
    case '\n': out += "\\n"; break;
    default: out += c; break;
  }
}

void append_invalid_byte(std::string& out, char byte) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out += "\\\\x";
  out += kHex[value >> 4];
  out += kHex[value & 0xf];
}

std::string_view type_text(MetricType type, MetricsFormat format) {
  switch (type) {
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
    case MetricType::kUnknown: break;
  }
  return format == MetricsFormat::kOpenMetrics ? "unknown" : "untyped";
}

}  // namespace

void append_label(std::string& labels, std::string_view name, std::string_view value) {
  if (!labels.empty()) labels += ',';
  labels.append(name).append("=\"");
  std::size_t invalid_at = find_invalid_utf8(value);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i != invalid_at) {
      append_escaped(labels, value[i]);
      continue;
    }
    append_invalid_byte(labels, value[i]);
    const std::size_t next = find_invalid_utf8(value.substr(i + 1));
    invalid_at = next == std::string_view::npos ? next : i + 1 + next;
  }
  labels += '"';
}

void MetricsWriter::family(const MetricName& name) {
  family_ = name;
  // The older text names a counter's family as its samples.
  const bool total = name.type == MetricType::kCounter && format_ == MetricsFormat::kText;
  const std::string_view suffix = total ? "_total" : "";
  out_.append("# HELP ").append(name.name).append(suffix) += ' ';
  add_help(name.help);
  out_.append("\n# TYPE ").append(name.name).append(suffix) += ' ';
  out_.append(type_text(name.type, format_)) += '\n';
  if (format_ != MetricsFormat::kOpenMetrics || name.unit.empty()) return;
  out_.append("# UNIT ").append(name.name) += ' ';
  out_.append(name.unit) += '\n';
}

void MetricsWriter::sample(std::string_view labels, std::uint64_t value) {
  series(family_.type == MetricType::kCounter ? "_total" : "", labels);
  add_number(value);
}

void MetricsWriter::fraction(std::string_view labels, std::uint64_t billionths) {
  series(family_.type == MetricType::kCounter ? "_total" : "", labels);
  add_fraction(billionths);
}

void MetricsWriter::end() {
  if (format_ == MetricsFormat::kOpenMetrics) out_ += "# EOF\n";
}

void MetricsWriter::series(std::string_view suffix, std::string_view labels) {
  out_.append(family_.name).append(suffix);
  if (!labels.empty()) (out_ += '{').append(labels) += '}';
  out_ += ' ';
}

void MetricsWriter::bucket(std::string_view labels, std::string_view most, std::uint64_t count) {
  out_.append(family_.name).append("_bucket{").append(labels);
  if (!labels.empty()) out_ += ',';
  out_.append("le=\"").append(most).append("\"} ");
  add_number(count);
}

void MetricsWriter::add_number(std::uint64_t value) { out_.append(Digits(value).text()) += '\n'; }

void MetricsWriter::add_fraction(std::uint64_t billionths) {
  constexpr std::uint64_t kBillion = 1'000'000'000;
  out_.append(Digits(billionths / kBillion).text());
  if (const std::uint64_t part = billionths % kBillion; part != 0) {
    // One digit more in front keeps the zeros behind the point.
    const Digits digits(kBillion + part);
    const std::string_view text = digits.text();
    (out_ += '.').append(text.substr(1, text.find_last_not_of('0')));
  }
  out_ += '\n';
}

// OpenMetrics escapes quotes here too.
void MetricsWriter::add_help(std::string_view text) {
  for (const char c : text) {
    if (c == '"' && format_ == MetricsFormat::kText) out_ += c;
    else append_escaped(out_, c);
  }
}

}  // namespace sluice
