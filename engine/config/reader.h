#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/config/expand.h"
#include "engine/config/finding.h"
#include "engine/config/schema.h"
#include "engine/config/yaml_tree.h"

namespace sluice {

using Origins = std::map<std::string, Place, std::less<>>;

// `text` in quotes for a message: controls escaped, cut at 80 bytes, without a URL's userinfo.
[[nodiscard]] std::string quoted_value(std::string_view text);

// `"0" is out of range; expected a whole number from 1 to 256`. The value of a secret is not told.
[[nodiscard]] std::string refusal(const Scalar& scalar, std::string_view value,
                                  std::string_view problem);
[[nodiscard]] std::string refusal(std::string_view value, std::string_view problem,
                                  std::string_view expected);
// The first part of it: `"0" is out of range`.
[[nodiscard]] std::string problem_text(const Scalar& scalar, std::string_view value,
                                       std::string_view problem);
[[nodiscard]] std::string problem_text(std::string_view value, std::string_view problem);

// Whether a file may refer to what stands elsewhere: ${NAME} and file:/path. Not where the file
// comes from somebody who may not see all that this process can read.
enum class References : bool { kFollow, kTakeAsText };

// FileReader - fills what is described from a YAML tree, strictly: every key must be known and
// stand once, every value must be accepted. Goes on after a fault, so that all are found.
class FileReader final : public KeyVisitor {
 public:
  // `file` as messages name it; relative paths in it are taken from its folder.
  FileReader(std::string file, const Environment& env, Origins& origins, Findings& findings,
             References references = References::kFollow)
      : file_(std::move(file)),
        env_(&env),
        origins_(&origins),
        findings_(&findings),
        references_(references) {}

  void read(const YamlNode& root, const Describe& keys);

  void scalar(std::string_view key, Scalar&& scalar, Need need) override;
  void texts(std::string_view key, TextList&& list) override;
  void section(std::string_view key, const Describe& keys) override;
  void sections(std::string_view key, SectionList&& list) override;
  void models(std::string_view key, std::vector<ModelMapping>& models) override;

 private:
  struct Frame {
    const YamlNode* map;
    std::string path;
    std::vector<std::string> known;
  };

  // The value of `key` in the innermost map, nullptr when it has none; notes that the key is known.
  const YamlNode* take(std::string_view key);
  void read_map(const YamlNode& map, std::string path, const Describe& keys);
  void report_strange_keys(const Frame& frame);
  void refuse_strange_key(const YamlNode& key, const Frame& frame);
  // The text of a scalar with variables and file references replaced; reports what fails.
  std::optional<std::string> resolve(const YamlNode& node, const std::string& path, bool is_text);
  bool set_item(const YamlNode& node, const std::string& path, const std::string& expected,
                const std::function<std::string_view(std::string_view)>& set);
  void add_model(const YamlNode& canonical, const YamlNode& native, const std::string& path,
                 std::vector<ModelMapping>& models);
  void set_origin(const std::string& path, const YamlNode& node);
  void refuse(const YamlNode& node, const std::string& path, std::string message);
  [[nodiscard]] Place place_of(const YamlNode& node) const;
  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[nodiscard]] std::string in_folder(std::string path) const;

  std::string file_;
  const Environment* env_;
  Origins* origins_;
  Findings* findings_;
  References references_;
  std::vector<Frame> frames_;
};

// Override - a value from the environment or a flag.
struct Override {
  std::string text;
  Place place;
};

// OverrideReader - fills what is described from a lookup by path. Lists of sections are passed by;
// lists of texts are separated by commas.
class OverrideReader final : public KeyVisitor {
 public:
  using Lookup = std::function<std::optional<Override>(std::string_view path)>;

  OverrideReader(Lookup lookup, std::string base_path, Origins& origins, Findings& findings)
      : lookup_(std::move(lookup)),
        path_(std::move(base_path)),
        origins_(&origins),
        findings_(&findings) {}

  void scalar(std::string_view key, Scalar&& scalar, Need need) override;
  void texts(std::string_view key, TextList&& list) override;
  void section(std::string_view key, const Describe& keys) override;
  void sections(std::string_view key, SectionList&& list) override;
  void models(std::string_view key, std::vector<ModelMapping>& models) override;

 private:
  Lookup lookup_;
  std::string path_;
  Origins* origins_;
  Findings* findings_;
};

}  // namespace sluice
