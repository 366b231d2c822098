#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

// Place - where a value of the configuration came from.
struct Place {
  enum class Kind { kDefault, kFile, kEnvironment, kFlag, kStored };
  Kind kind = Kind::kDefault;
  std::string source;  // file name, name of the variable, or the flag; "" for a default
  int line = 0;        // from 1; 0: the source as a whole
  int column = 0;      // from 1

  // "default", "sluice.yaml:3:7", "SLUICE_LISTEN", "--listen", "stored".
  [[nodiscard]] std::string text() const;
};

// Finding - one thing that is wrong, or odd, in the configuration.
struct Finding {
  Place place;
  std::string message;
  std::string path = {};  // of the value that is refused: "accounts[0].rpm_limit"; often none

  // "sluice.yaml:3:7: message", "SIDECAR_PORT: message"; the message alone where there is no place.
  [[nodiscard]] std::string text() const;
};

// Findings - collects everything that a configuration has wrong, so that all of it is told at once.
class Findings {
 public:
  void error(Place place, std::string message, std::string path = {}) {
    errors_.push_back({std::move(place), std::move(message), std::move(path)});
  }
  // The value at `path` ("routing.cooldown.base") was given and is not accepted: the configuration
  // has something else there, of which nothing should be said.
  void refuse(Place place, std::string message, std::string path) {
    errors_.push_back({std::move(place), std::move(message), path});
    refused_.insert(std::move(path));
  }
  // So does it of `path`, where nothing was given: what was given stands at another path, in an
  // error of its own.
  void count_as_refused(std::string path) { refused_.insert(std::move(path)); }
  void warn(Place place, std::string message) {
    warnings_.push_back({std::move(place), std::move(message)});
  }
  [[nodiscard]] bool has_errors() const noexcept { return !errors_.empty(); }
  [[nodiscard]] std::size_t error_count() const noexcept { return errors_.size(); }
  // Whether the value at `path`, one beneath it or all of the file was refused.
  [[nodiscard]] bool refused(std::string_view path) const;

  // In the order of the file, what stands in no file last.
  [[nodiscard]] std::vector<Finding> take_errors();
  [[nodiscard]] std::vector<Finding> take_warnings();

 private:
  std::vector<Finding> errors_;
  std::vector<Finding> warnings_;
  std::set<std::string, std::less<>> refused_;
};

}  // namespace sluice
