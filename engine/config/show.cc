#include "engine/config/show.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/config/schema.h"

namespace sluice {
namespace {

// A text as a YAML scalar that reads back as the same text here: "${" would be a variable.
std::string yaml_text(std::string_view text) {
  const bool bare = !text.empty() && text[0] != '-' && text[0] != '.' && !same_word(text, "null") &&
                    std::ranges::all_of(text, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/' || c == '-';
                    });
  if (bare) return std::string(text);
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\\') out += fmt::format("\\{}", c);
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else if (text.substr(i).starts_with("${")) out += "$$";
    else out += c;
  }
  return out + "\"";
}

// Writer - a visitor that writes what is described. Changes nothing.
class Writer final : public KeyVisitor {
 public:
  explicit Writer(const Config& config) : config_(&config) {}

  void scalar(std::string_view key, Scalar&& scalar, Need) override {
    const std::string text = scalar.text();
    put(fmt::format("{}: {}", key, scalar.is_text() ? yaml_text(text) : text),
        config_->origin_of(join_path(path_, key)));
  }

  void texts(std::string_view key, TextList&& list) override {
    const std::vector<std::string> texts = list.texts();
    const std::string path = join_path(path_, key);
    if (texts.empty()) return put(fmt::format("{}: []", key), config_->origin_of(path));
    put(fmt::format("{}:", key));
    for (std::size_t i = 0; i < texts.size(); ++i)
      put("  - " + yaml_text(texts[i]), config_->origin_of(fmt::format("{}[{}]", path, i)));
  }

  void section(std::string_view key, const Describe& keys) override {
    put(fmt::format("{}:", key));
    within(join_path(path_, key), 2, [&] { keys(*this); });
  }

  void sections(std::string_view key, SectionList&& list) override {
    const std::string path = join_path(path_, key);
    if (list.size() == 0) return put(fmt::format("{}: []", key), config_->origin_of(path));
    put(fmt::format("{}:", key));
    for (std::size_t i = 0; i < list.size(); ++i) {
      const std::size_t first = lines_.size();
      within(fmt::format("{}[{}]", path, i), 4, [&] { list.visit(i, *this); });
      lines_[first].text[indent_ + 2] = '-';  // each item has a required key, so a line
    }
  }

  void models(std::string_view key, std::vector<ModelMapping>& models) override {
    const std::string path = join_path(path_, key);
    if (models.empty()) return put(fmt::format("{}: []", key), config_->origin_of(path));
    const bool names = std::ranges::all_of(
        models, [](const ModelMapping& model) { return model.canonical == model.native; });
    put(fmt::format("{}:", key));
    for (const ModelMapping& model : models) {
      const std::string name = yaml_text(model.canonical);
      put(names ? fmt::format("  - {}", name)
                : fmt::format("  {}: {}", name, yaml_text(model.native)),
          config_->origin_of(fmt::format("{}.{}", path, model.canonical)));
    }
  }

  // The lines, with the comments in one column as far as the lines before them allow.
  [[nodiscard]] std::string text() const {
    constexpr std::size_t kCommentColumn = 44;
    std::string out;
    for (const Line& line : lines_) {
      out += line.text;
      if (!line.comment.empty())
        out += std::string(std::max(kCommentColumn, line.text.size() + 2) - line.text.size(), ' ') +
               "# " + line.comment;
      out += '\n';
    }
    return out;
  }

 private:
  struct Line {
    std::string text;
    std::string comment;
  };

  void put(const std::string& text) { lines_.push_back({std::string(indent_, ' ') + text, {}}); }
  void put(const std::string& text, const Place& origin) {
    put(text);
    lines_.back().comment =
        origin.line == 0 ? origin.text() : fmt::format("{}:{}", origin.source, origin.line);
  }

  template <class F>
  void within(std::string path, std::size_t indent, const F& write) {
    std::swap(path_, path);
    indent_ += indent;
    write();
    indent_ -= indent;
    std::swap(path_, path);
  }

  const Config* config_;
  std::string path_;
  std::size_t indent_ = 0;
  std::vector<Line> lines_;
};

}  // namespace

std::string show_config(const Config& config) {
  Writer writer(config);
  describe(writer, const_cast<Config&>(config));  // a Writer only calls text()
  const std::string file =
      config.file.empty() ? "no file: defaults, environment and flags" : config.file;
  return fmt::format("# sluice {}, effective configuration\n# {}\n{}", SLUICE_VERSION, file,
                     writer.text());
}

}  // namespace sluice
