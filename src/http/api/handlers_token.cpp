// POST /token: the password grant of OAuth 2.0 (RFC 6749 section 4.3), as clients of FastAPI's OAuth2PasswordBearer use
// it.
#include <array>

#include "auth/password.hpp"
#include "http/api/answers.hpp"
#include "http/api/handlers.hpp"
#include "http/api/query.hpp"
#include "http/headers/media_type.hpp"
#include "wire/json_writer.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;

struct Form {
  std::string username;
  std::string password;
  std::optional<auth::Scopes> wanted;
};

// The rule that a member breaks, in words; empty if it breaks none.
std::string flaw_of(const std::string* text, std::size_t most) {
  if (text == nullptr || text->empty()) return "is required";
  return text->size() > most ? "is too long" : "";
}

std::expected<Form, Error> read_form(const Request& request) {
  if (auto refused = refuse_parameters(request.query)) return std::unexpected(std::move(*refused));
  if (body_kind(request) != BodyKind::form) {
    return std::unexpected(
        Error{ErrorCode::unsupported_media_type, "The body must be application/x-www-form-urlencoded"});
  }
  static constexpr std::array<std::string_view, 6> kAllowed{"grant_type", "username",  "password",
                                                            "scope",      "client_id", "client_secret"};
  const auto form = Query::parse(request.body, kAllowed);
  if (!form) return std::unexpected(form.error());
  Error error{ErrorCode::invalid_parameter, {}};
  const std::string* grant = form->get("grant_type");
  if (grant != nullptr && !grant->empty() && *grant != "password") {
    error.fields.push_back({"grant_type", FieldRule::unknown_value, "must be password"});
  }
  for (const auto& [name, most] :
       {std::pair("username", std::size_t{domain::kMaxUserIdBytes}), {"password", auth::kMaxPasswordBytes}}) {
    if (std::string flaw = flaw_of(form->get(name), most); !flaw.empty()) {
      const FieldRule rule = form->get(name) == nullptr ? FieldRule::required : FieldRule::too_long;
      error.fields.push_back({name, rule, std::move(flaw)});
    }
  }
  Form read;
  if (const std::string* scope = form->get("scope"); scope != nullptr && !scope->empty()) {
    auto wanted = auth::Scopes::parse(*scope);
    if (!wanted) error.fields.push_back({"scope", FieldRule::unknown_value, "has a scope that there is not"});
    if (wanted) read.wanted = *wanted;
  }
  if (!error.fields.empty()) return std::unexpected(std::move(error));
  read.username = *form->get("username");
  read.password = *form->get("password");
  return read;
}

}  // namespace

ResponseTask create_token(Call call) {
  auth::Login* const login = call.services.access.login;
  if (login == nullptr)
    co_return problem({ErrorCode::not_found, "This server does not log users in with passwords"}, call.request);
  auto form = read_form(call.request);
  if (!form) co_return problem(form.error(), call.request);
  const auto grant = co_await login->log_in(std::move(form->username), std::move(form->password), form->wanted,
                                            call.request.remote_address, call.request.deadline);
  if (!grant) co_return problem(grant.error(), call.request);
  Response response;
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body += R"({"access_token":)";
  wire::append_string(response.body, grant->token);
  response.body += R"(,"token_type":"bearer","expires_in":)";
  wire::append_integer(response.body, grant->lifetime.count());
  response.body += R"(,"scope":)";
  wire::append_string(response.body, grant->scopes.text());
  response.body += '}';
  co_return response;
}

}  // namespace tps::http
