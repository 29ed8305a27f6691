//+------------------------------------------------------------------+
//| TapehubPush.mq5: sends every tick of the Market Watch symbols     |
//| named below to a tapehub gateway.                                 |
//|                                                                  |
//| 1. Tools > Options > Expert Advisors > Allow WebRequest for:      |
//|    the address of InpUrl, without the path.                       |
//| 2. Put the expert on any one chart. It needs no trading rights.   |
//|                                                                  |
//| An item is kept here until it is acknowledged, and sent again     |
//| after a failure: the server counts it once. WebRequest does not   |
//| work in the Strategy Tester.                                      |
//+------------------------------------------------------------------+
#property strict
#property version "1.00"

input string InpUrl       = "http://127.0.0.1:9800/api/v1/push"; // Where to push
input string InpToken     = "";             // Token with scope push (edge.tokens)
input string InpSource    = "mt5";          // Source, where no token names it
input string InpSymbols   = "EURUSD,XAUUSD"; // Symbols, as this broker writes them
input int    InpEveryMs   = 250;            // Milliseconds between two requests
input int    InpBatch     = 500;            // Ticks in one request at most
input int    InpBuffer    = 2000;           // Ticks kept while the server is away; then the oldest go.
                                            // Keep it below `remembered` of the receiver (2000 for each symbol)
input int    InpTimeoutMs = 3000;           // Patience with one request
input int    InpAliveMs   = 5000;           // An empty request shows that we live while the market is quiet

string   g_symbols[];
long     g_seen_msc[];     // newest tick taken of each symbol
int      g_seen_count[];   // how many ticks of that millisecond were taken
string   g_items[];        // ring of JSON items not yet acknowledged
int      g_first = 0, g_count = 0;
ulong    g_not_before_ms = 0, g_sent_ms = 0;
int      g_failures = 0;
long     g_lost = 0, g_rejected = 0;

//+------------------------------------------------------------------+
int OnInit()
  {
   int count = StringSplit(InpSymbols, ',', g_symbols);
   if(count <= 0)
     {
      Print("TapehubPush: InpSymbols names no symbol");
      return(INIT_PARAMETERS_INCORRECT);
     }
   ArrayResize(g_seen_msc, count);
   ArrayResize(g_seen_count, count);
   ArrayResize(g_items, MathMax(1, InpBuffer));
   for(int i = 0; i < count; i++)
     {
      StringTrimLeft(g_symbols[i]);
      StringTrimRight(g_symbols[i]);
      if(!SymbolSelect(g_symbols[i], true))
         Print("TapehubPush: this broker has no symbol ", g_symbols[i]);
      MqlTick tick;
      g_seen_msc[i] = SymbolInfoTick(g_symbols[i], tick) ? tick.time_msc : 0;
      g_seen_count[i] = 0;
     }
   EventSetMillisecondTimer(MathMax(50, InpEveryMs));
   return(INIT_SUCCEEDED);
  }

void OnDeinit(const int reason)
  {
   EventKillTimer();
   Send();
   if(g_count > 0 || g_lost > 0)
      PrintFormat("TapehubPush: %d ticks not acknowledged, %I64d lost", g_count, g_lost);
  }

//--- a tick of the chart's own symbol only; the timer takes those of all others
void OnTick()  { Collect(); }
void OnTimer() { Collect(); Send(); }

//+------------------------------------------------------------------+
//| Take what came since the last time, of every symbol              |
//+------------------------------------------------------------------+
void Collect()
  {
   for(int i = 0; i < ArraySize(g_symbols); i++)
     {
      MqlTick ticks[];
      // from the newest taken on, that millisecond again: more of its ticks may have come
      int count = CopyTicks(g_symbols[i], ticks, COPY_TICKS_INFO, (ulong)g_seen_msc[i], 2000);
      int skip = g_seen_count[i];
      for(int k = 0; k < count; k++)
        {
         if(ticks[k].time_msc == g_seen_msc[i] && skip > 0)
           {
            skip--;
            continue;
           }
         if(ticks[k].time_msc == g_seen_msc[i])
            g_seen_count[i]++;
         else
           {
            g_seen_msc[i] = ticks[k].time_msc;
            g_seen_count[i] = 1;
           }
         if(ticks[k].bid > 0 && ticks[k].ask > 0)
            Keep(Item(g_symbols[i], ticks[k]));
        }
     }
  }

string Item(const string symbol, const MqlTick &tick)
  {
   int digits = (int)SymbolInfoInteger(symbol, SYMBOL_DIGITS);
   return(StringFormat("{\"symbol\":\"%s\",\"bid\":%s,\"ask\":%s,\"time_msc\":%I64d,\"flags\":%d}",
                       symbol, DoubleToString(tick.bid, digits), DoubleToString(tick.ask, digits),
                       tick.time_msc, (int)tick.flags));
  }

void Keep(const string item)
  {
   int size = ArraySize(g_items);
   if(g_count == size)                       // full: the oldest goes, and is counted
     {
      g_first = (g_first + 1) % size;
      g_count--;
      g_lost++;
     }
   g_items[(g_first + g_count) % size] = item;
   g_count++;
  }

//+------------------------------------------------------------------+
//| Send one batch; what is not acknowledged stays                   |
//+------------------------------------------------------------------+
void Send()
  {
   ulong now_ms = GetTickCount64();
   if(now_ms < g_not_before_ms || (g_count == 0 && now_ms - g_sent_ms < (ulong)InpAliveMs))
      return;
   int size = ArraySize(g_items), batch = MathMin(g_count, InpBatch);
   // TimeTradeServer goes on while no tick comes; TimeCurrent would stand still
   string body = StringFormat("{\"gmt_offset\":%d,\"ticks\":[", (int)(TimeTradeServer() - TimeGMT()));
   for(int k = 0; k < batch; k++)
      body += (k > 0 ? "," : "") + g_items[(g_first + k) % size];
   body += "]}";

   char data[], answer[];
   string headers = "Content-Type: application/json\r\n", answer_headers;
   headers += (InpToken != "") ? "X-API-Key: " + InpToken + "\r\n" : "X-Source: " + InpSource + "\r\n";
   int length = StringToCharArray(body, data, 0, WHOLE_ARRAY, CP_UTF8);
   if(length > 0 && data[length - 1] == 0)
      ArrayResize(data, length - 1);         // the zero byte at the end; the server would leave it out too

   ResetLastError();
   int status = WebRequest("POST", InpUrl, headers, InpTimeoutMs, data, answer, answer_headers);
   g_sent_ms = GetTickCount64();

   // 200: taken, or taken before. 422: none of it will ever be taken. Everything else: send the same again later.
   if(status == 200 || status == 422)
     {
      if(status == 422 || StringFind(CharArrayToString(answer), "\"rejected\":0,") < 0)
        {
         g_rejected++;
         if(g_rejected == 1 || g_rejected % 100 == 0)
            Print("TapehubPush: not all was taken: ", StringSubstr(CharArrayToString(answer), 0, 400));
        }
      g_first = (g_first + batch) % size;
      g_count -= batch;
      if(g_failures > 0)
         PrintFormat("TapehubPush: connected again, %d ticks wait, %I64d lost", g_count, g_lost);
      g_failures = 0;
      g_not_before_ms = 0;
      return;
     }
   if(g_failures == 0)
      PrintFormat("TapehubPush: status %d, error %d (4014: allow the address in the options): %s",
                  status, GetLastError(), StringSubstr(CharArrayToString(answer), 0, 200));
   g_failures++;
   int pause_ms = 250 << MathMin(g_failures - 1, 7);      // 0.25 s to 32 s
   g_not_before_ms = g_sent_ms + pause_ms / 2 + MathRand() % (pause_ms / 2 + 1);
  }
//+------------------------------------------------------------------+
