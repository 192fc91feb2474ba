/** Brands of mail providers that are free under every ending: yahoo.de, hotmail.co.uk. */
const BRANDS = new Set(
  'yahoo ymail rocketmail hotmail outlook live msn gmx aol googlemail yandex protonmail tutanota lycos'.split(' '),
);

const DOMAINS = new Set(
  `gmail.com icloud.com me.com mac.com proton.me pm.me tuta.io tuta.com fastmail.com fastmail.fm hey.com zoho.com mail.com email.com
  usa.com inbox.com hushmail.com web.de t-online.de freenet.de arcor.de online.de mail.de posteo.de mailbox.org 1und1.de
  orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr libero.it virgilio.it alice.it tin.it tiscali.it fastwebnet.it
  comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com optonline.net
  btinternet.com sky.com virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk shaw.ca rogers.com sympatico.ca telus.net
  bigpond.com optusnet.com.au xtra.co.nz mail.ru bk.ru list.ru inbox.ru rambler.ru ya.ru ukr.net i.ua meta.ua
  qq.com 163.com 126.com yeah.net sina.com sohu.com foxmail.com naver.com hanmail.net daum.net docomo.ne.jp ezweb.ne.jp
  rediffmail.com uol.com.br bol.com.br terra.com.br ig.com.br wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz post.cz azet.sk
  freemail.hu citromail.hu abv.bg walla.co.il bluewin.ch sunrise.ch hispeed.ch chello.at aon.at telenet.be skynet.be
  ziggo.nl kpnmail.nl planet.nl hetnet.nl xs4all.nl home.nl online.no telia.com bredband.net`.split(/\s+/u),
);

/** Whether an address of this domain, in lower case, says nothing of its owner's company. */
export function isConsumerDomain(domain: string): boolean {
  return DOMAINS.has(domain) || (BRANDS.has(domain.split('.')[0]!) && domain.split('.').length <= 3);
}
