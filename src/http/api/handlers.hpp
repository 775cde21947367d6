// The handlers of the routes: decode, one call of the service, encode.
#pragma once

#include "http/api/call.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

ResponseTask create_transaction(Call call);
ResponseTask create_batch(Call call);
ResponseTask get_transaction(Call call);
ResponseTask list_transactions(Call call);
ResponseTask capture_transaction(Call call);
ResponseTask void_transaction(Call call);
ResponseTask reverse_transaction(Call call);
ResponseTask get_balances(Call call);
ResponseTask get_statement(Call call);
ResponseTask put_account(Call call);
ResponseTask create_token(Call call);

Response health(const Call& call);
Response readiness(const Call& call);
Response metrics(const Call& call);
Response page(const Call& call);

}  // namespace tps::http
