"""Frames and answers to make wrong ones of where there are no recordings, and answers that no recording holds.

Shapes as in the documents of the venues; prices and sizes are made up. Pure.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Sample(NamedTuple):
    """One frame, or one answer of the REST side."""

    market: str
    data: bytes
    raw: str = ""
    rest: str = ""
    """snapshot, trades, klines, instruments; empty: a frame of a stream."""


EXCHANGES: Final[dict[str, tuple[Sample, ...]]] = {
    "binance": (
        Sample("spot", b'{"lastUpdateId":9,"bids":[["99","1"]],"asks":[["101","2"]]}', "BTCUSDT", "snapshot"),
        Sample("usdm", b'{"lastUpdateId":9,"E":1791091175227,"T":1791091175227,"bids":[["99","1"]],"asks":[["101","2"]]}', "BTCUSDT", "snapshot"),
        Sample("coinm", b'{"lastUpdateId":9,"symbol":"BTCUSD_PERP","pair":"BTCUSD","T":1791091175227,"bids":[["99","1"]],"asks":[["101","2"]]}', "BTCUSD_PERP", "snapshot"),
        Sample("spot", b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1791091175227,"s":"BTCUSDT","U":8,"u":11,"b":[["99.5","3"]],"a":[["102","0"]]}}'),
        Sample("usdm", b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1791091175227,"T":1791091175227,"s":"BTCUSDT","U":8,"u":11,"pu":7,"b":[["99.5","3"]],"a":[["102","0"]],"st":1}}'),
        Sample("spot", b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1791091175227,"s":"BTCUSDT","t":5,"p":"100.5","q":"2","T":1791091175227,"m":false,"M":true}}'),
        Sample("usdm", b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1791091175227,"a":34,"s":"BTCUSDT","p":"100.5","q":"2","nq":"2","f":7,"l":9,"T":1791091175227,"m":true,"st":1}}'),
        Sample("coinm", b'{"stream":"btcusd_perp@aggTrade","data":{"e":"aggTrade","E":1791091175227,"a":34,"s":"BTCUSD_PERP","p":"60000.5","q":"20","f":7,"l":9,"T":1791091175227,"m":true,"st":2}}'),
        Sample("spot", b'{"stream":"btcusdt@bookTicker","data":{"u":98494969448,"s":"BTCUSDT","b":"99.7","B":"4.7","a":"99.9","A":"11.3"}}'),
        Sample("usdm", b'{"stream":"!forceOrder@arr","data":[{"e":"forceOrder","E":1791091175227,"o":{"s":"BTCUSDT","S":"SELL","p":"99","ap":"98.5","l":"1","z":"3","T":1791091175220,"st":1}}]}'),
        Sample("spot", b'{"result":null,"id":1}'),
        Sample("usdm", b'{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":2}'),
        Sample("spot", b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1791091175227,"s":"BTCUSDT","k":{"t":1,"T":2}}}'),
        Sample("spot", b'{"e":"serverShutdown","E":1791091175227}'),
        Sample("spot", b'[{"a":34,"p":"100.5","q":"2","f":7,"l":9,"T":1791091175227,"m":true,"M":true}]', "BTCUSDT", "trades"),
        Sample("spot", b'[{"id":5,"price":"100.5","qty":"2","quoteQty":"201","time":1791091175227,"isBuyerMaker":true,"isBestMatch":true}]', "BTCUSDT", "trades"),
        Sample("spot", b'[[1791091140000,"100","102","99","101","12",1791091199999,"1200",7,"5","500","0"]]', "BTCUSDT", "klines"),
        Sample("coinm", b'[[1791091140000,"60000","60200","59900","60100","12",1791091199999,"0.02",7,"5","0.01","0"]]', "BTCUSD_PERP", "klines"),
        Sample("coinm", b'{"symbols":[{"symbol":"BTCUSD_PERP","contractSize":100,"pair":"BTCUSD"}]}', "", "instruments"),
    ),
    "bybit": (
        Sample("linear", b'{"topic":"orderbook.200.BTCUSDT","type":"snapshot","ts":1791091175227,"data":{"s":"BTCUSDT","b":[["99","1"]],"a":[["101","2"]],"u":5,"seq":77},"cts":1791091175220}'),
        Sample("linear", b'{"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1791091175327,"data":{"s":"BTCUSDT","b":[["99.5","1"]],"a":[["101","0"],["102","4"]],"u":6,"seq":78},"cts":1791091175320}'),
        Sample("inverse", b'{"topic":"orderbook.50.BTCUSD","type":"snapshot","ts":1791091175227,"data":{"s":"BTCUSD","b":[["60000","100"]],"a":[["60001","200"]],"u":5,"seq":77},"cts":1791091175220}'),
        Sample("inverse", b'{"topic":"publicTrade.BTCUSD","type":"snapshot","ts":1791091175227,"data":[{"T":1791091175220,"s":"BTCUSD","S":"Sell","v":"100","p":"60000.5","L":"MinusTick","i":"4c3a9e2c-1111","BT":false,"RPI":false}]}'),
        Sample("spot", b'{"topic":"orderbook.1.BTCUSDT","ts":1791091175227,"type":"snapshot","data":{"s":"BTCUSDT","b":[["99","1"]],"a":[["101","2"]],"u":5,"seq":77},"cts":1791091175220}'),
        Sample("linear", b'{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","bid1Price":"99","bid1Size":"1.302","ask1Price":"101","ask1Size":"3"},"cs":820163808303,"ts":1791091006483}'),
        Sample("linear", b'{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","bid1Price":"99.2","bid1Size":"1.302"},"cs":820163808304,"ts":1791091006483}'),
        Sample("linear", b'{"topic":"allLiquidation.BTCUSDT","type":"snapshot","ts":1791091175227,"data":[{"T":1791091175220,"s":"BTCUSDT","S":"Buy","v":"19.7","p":"99"}]}'),
        Sample("spot", b'{"success":true,"ret_msg":"subscribe","conn_id":"x","req_id":"1","op":"subscribe"}'),
        Sample("linear", b'{"success":false,"ret_msg":"error:handler not found,topic:publicTrade.BTCUSDT","conn_id":"x","req_id":"1","op":"subscribe"}'),
        Sample("linear", b'{"req_id":"ping","op":"pong","args":["1795168800123"],"conn_id":"x"}'),
        Sample("linear", b'{"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[{"execId":"4c3a9e2c-1111","symbol":"BTCUSDT","price":"100","size":"0.5","side":"Sell","time":"1791091175220","isBlockTrade":false}]},"time":1791091175227}', "BTCUSDT", "trades"),
        Sample("linear", b'{"retCode":0,"retMsg":"OK","result":{"symbol":"BTCUSDT","category":"linear","list":[["1791091140000","100","102","99","101","12","1200"]]},"time":1791091175227}', "BTCUSDT", "klines"),
        Sample("inverse", b'{"retCode":0,"retMsg":"OK","result":{"symbol":"BTCUSD","category":"inverse","list":[["1791091140000","60000","60002","59900","60001","1200","0.02"]]},"time":1791091175227}', "BTCUSD", "klines"),
    ),
    "coinbase": (
        Sample("exchange", b'{"type":"snapshot","product_id":"BTC-USD","bids":[["99","1"]],"asks":[["101","2"]]}'),
        Sample("exchange", b'{"type":"l2update","product_id":"BTC-USD","changes":[["buy","99.5","3"],["sell","101","0"]],"time":"2026-10-04T00:00:01.123456Z"}'),
        Sample("exchange", b'{"type":"match","trade_id":5,"maker_order_id":"a","taker_order_id":"b","side":"sell","size":"0.5","price":"100","product_id":"BTC-USD","sequence":7,"time":"2026-10-04T00:00:01.123456Z"}'),
        Sample("exchange", b'{"type":"last_match","trade_id":4,"side":"buy","size":"0.5","price":"100","product_id":"BTC-USD","sequence":6,"time":"2026-10-04T00:00:00.123456Z"}'),
        Sample("exchange", b'{"type":"heartbeat","last_trade_id":6,"product_id":"BTC-USD","sequence":8,"time":"2026-10-04T00:00:02.123456Z"}'),
        Sample("exchange", b'{"type":"ticker","sequence":8,"product_id":"BTC-USD","price":"100","best_bid":"99.5","best_bid_size":"3","best_ask":"102","best_ask_size":"1","side":"buy","time":"2026-10-04T00:00:02.123456Z","trade_id":5,"last_size":"1"}'),
        Sample("exchange", b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"],"account_ids":null},{"name":"level2_50","product_ids":["BTC-USD"]}]}'),
        Sample("exchange", b'{"type":"error","message":"Failed to subscribe","reason":"BTC-USD is not a valid product"}'),
        Sample("advanced", b'{"channel":"l2_data","client_id":"","timestamp":"2026-10-04T00:00:01.123456789Z","sequence_num":0,"events":[{"type":"snapshot","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"1970-01-01T00:00:00Z","price_level":"99","new_quantity":"1"},{"side":"offer","event_time":"1970-01-01T00:00:00Z","price_level":"101","new_quantity":"2"}]}]}'),
        Sample("advanced", b'{"channel":"l2_data","client_id":"","timestamp":"2026-10-04T00:00:02.123456789Z","sequence_num":1,"events":[{"type":"update","product_id":"BTC-USD","updates":[{"side":"bid","event_time":"2026-10-04T00:00:02.1Z","price_level":"99.5","new_quantity":"1"}]}]}'),
        Sample("advanced", b'{"channel":"market_trades","client_id":"","timestamp":"2026-10-04T00:00:02.2Z","sequence_num":2,"events":[{"type":"update","trades":[{"product_id":"BTC-USD","trade_id":"7","price":"100","size":"0.1","time":"2026-10-04T00:00:02.1Z","side":"SELL"}]}]}'),
        Sample("advanced", b'{"channel":"ticker","client_id":"","timestamp":"2026-10-04T00:00:02.3Z","sequence_num":3,"events":[{"type":"update","tickers":[{"type":"ticker","product_id":"BTC-USD","price":"100","best_bid":"99.5","best_bid_quantity":"3","best_ask":"101","best_ask_quantity":"1"}]}]}'),
        Sample("advanced", b'{"channel":"heartbeats","client_id":"","timestamp":"2026-10-04T00:00:02.4Z","sequence_num":4,"events":[{"current_time":"2026-10-04 00:00:02 +0000 UTC m=+41691.26","heartbeat_counter":41}]}'),
        Sample("advanced", b'{"channel":"subscriptions","client_id":"","timestamp":"2026-10-04T00:00:02.5Z","sequence_num":5,"events":[{"subscriptions":{"ticker":["BTC-USD"],"heartbeats":["heartbeats"]}}]}'),
        Sample("exchange", b'[{"time":"2026-10-04T00:00:01.123456Z","trade_id":5,"price":"100","size":"0.5","side":"sell"}]', "BTC-USD", "trades"),
        Sample("advanced", b'{"trades":[{"trade_id":"5","product_id":"BTC-USD","price":"100","size":"0.5","time":"2026-10-04T00:00:01.123456Z","side":"SELL"}],"best_bid":"99","best_ask":"101"}', "BTC-USD", "trades"),
        Sample("exchange", b"[[1791091140,99,102,100,101,12.5]]", "BTC-USD", "klines"),
        Sample("advanced", b'{"candles":[{"start":"1791091140","low":"99","high":"102","open":"100","close":"101","volume":"12.5"}]}', "BTC-USD", "klines"),
    ),
    "okx": (
        Sample("swap", b'{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"action":"snapshot","data":[{"asks":[["101","2","0","1"]],"bids":[["99","1","0","1"]],"ts":"1791091175227","checksum":0,"prevSeqId":-1,"seqId":10}]}'),
        Sample("swap", b'{"arg":{"channel":"books","instId":"BTC-USDT-SWAP"},"action":"update","data":[{"asks":[["101","0","0","0"],["102","3","0","1"]],"bids":[],"ts":"1791091175327","checksum":0,"prevSeqId":10,"seqId":15}]}'),
        Sample("swap", b'{"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","tradeId":"2832749645","px":"63913.4","sz":"34.95","side":"sell","ts":"1791091175227","count":"10","source":"0","seqId":15}]}'),
        Sample("spot", b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"5","px":"100","sz":"0.5","side":"buy","ts":"1791091175227","source":"0"}]}'),
        Sample("spot", b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["101","2","0","1"]],"bids":[["99","1","0","1"]],"ts":"1791091175227","seqId":10}]}'),
        Sample("swap", b'{"arg":{"channel":"tickers","instId":"BTC-USDT-SWAP"},"data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP","last":"100","askPx":"101","askSz":"1","bidPx":"99","bidSz":"3","ts":"1791091175227"}]}'),
        Sample("swap", b'{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0","bkPx":"100","ccy":"","posSide":"short","side":"buy","sz":"2137","ts":"1791091175227"}],"instFamily":"BTC-USDT","instId":"BTC-USDT-SWAP","instType":"SWAP","uly":"BTC-USDT"}]}'),
        Sample("swap", b'{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"connId":"ef9127a9"}'),
        Sample("spot", b'{"event":"error","code":"60018","msg":"Wrong URL or channel:trades-all,instId:BTC-USDT doesn\'t exist.","connId":"a4d3ae55"}'),
        Sample("spot", b'{"event":"notice","code":"64008","msg":"The connection will soon be closed","connId":"a4d3ae55"}'),
        Sample("spot", b"pong"),
        Sample("swap", b'{"code":"0","msg":"","data":[{"instType":"SWAP","instId":"BTC-USDT-SWAP","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","ctType":"linear","tickSz":"0.1","lotSz":"0.01"}]}', "", "instruments"),
        Sample("swap", b'{"code":"0","msg":"","data":[{"instId":"BTC-USDT-SWAP","tradeId":"5","px":"100","sz":"0.5","side":"buy","ts":"1791091175227"}]}', "BTC-USDT-SWAP", "trades"),
        Sample("spot", b'{"code":"0","msg":"","data":[["1791091140000","100","102","99","101","12","1200","1200","1"]]}', "BTC-USDT", "klines"),
        Sample("swap", b'{"code":"0","msg":"","data":[{"asks":[["101","2","0","1"]],"bids":[["99","1","0","1"]],"ts":"1791091175227","seqId":10}]}', "BTC-USDT-SWAP", "snapshot"),
    ),
}  # fmt: skip
TLCP: Final = (
    b"WSOK\r\n",
    b"CONOK,S681366f03a5f0e04Ma5fT4840789,50000,30000,apd149f.example.com\r\nSERVNAME,Lightstreamer\r\nCLIENTIP,0:0:0:0\r\nCONS,unlimited\r\n",
    b"SUBOK,1,1,6\r\nSUBOK,2,1,3\r\nCONF,1,unlimited,filtered\r\n",
    b"U,1,1,1.17305|1.17311|1791091175227|DEAL|1000|2000\r\n",
    b"U,1,1,|1.17312|1791091175327|^3\r\n",
    b"U,1,1,1.17301|1.17309|1791091176327|EDIT||#\r\n",
    b"U,2,1,150.11|150.13|1791091175227\r\nU,2,1,|150.14|1791091175228\r\n",
    b"U,1,1,^Tbab1|^TEa|$|^P[]|z|%41\r\n",
    b"U,1,1,11515.4|11516.3|1791091175227|CLOSED|0|0\r\nPROBE\r\n",
    b"PROBE\r\n", b"NOOP,sending placeholder data\r\n", b"SYNC,14\r\n", b"LOOP,0\r\n", b"PROG,3\r\n", b"REQOK,1\r\n",
    b"REQERR,1,21,Invalid group\r\n", b"CONERR,1,User/password check failed\r\n", b"END,31,Destroy invoked by client\r\n",
    b"OV,1,1,5\r\n", b"CS,1,1\r\n", b"UNSUB,1\r\n", b"EOS,1,1\r\n", b"ERROR,68,x\r\n", b"SUBCMD,1,1,5,1,2\r\n",
)  # fmt: skip
CRYPTOPANIC: Final = (
    b'{"count":1,"next":null,"results":[{"id":7,"kind":"news","domain":"example.com","title":"BTC & <b>ETH</b> up","slug":"btc","published_at":"2026-10-04T00:00:01Z","created_at":"2026-10-04T00:00:02Z","url":"https://example.com/a","source":{"title":"Example","domain":"example.com"},"instruments":[{"code":"BTC","title":"Bitcoin"}],"votes":{"positive":1}}]}',
)
RSS: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>x</title><link>https://example.com</link><item><title><![CDATA[BTC & <b>ETH</b> up]]></title><link>https://example.com/a?utm_source=rss</link><guid isPermaLink="false">7</guid><pubDate>Sun, 04 Oct 2026 00:00:01 +0000</pubDate><description>&lt;p&gt;text</description></item></channel></rss>',
    b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><id>urn:x</id><updated>2026-10-04T00:00:01Z</updated><entry><title type="html">a &amp;lt;i&amp;gt;</title><id>urn:a</id><updated>2026-10-04T00:00:01Z</updated><link href="/a"/></entry></feed>',
)
