/** Words that are part of a name and neither a first nor a last name, in lower case and without dots. */

const words = (text: string) => new Set(text.trim().split(/\s+/u));

export const HONORIFICS = words(`
  mr mrs ms miss mx dr drs prof professor doctor sir dame rev reverend hon
  herr frau dipl dipl-ing dr-ing ing mag mme mlle monsieur madame dott dottssa sig sigra signor signora sr sra srta señor señora don doña
  dhr mevr hr fr familie fam
`);

/** Ranks that are also names or words: only with their dot. */
export const RANKS = words('capt col gen lt maj sgt cpl cmdr adm brig fr eng arch adv');

/** With a dot and after an honorific: `Dr. med.`, `Dr. rer. nat.`, `Dr. h.c.` */
export const FACULTIES = words('med rer nat phil jur oec pol habil hc mult dent vet theol');

/** Honorifics that are also given names or initials: they count with their dot, or before two more words. */
export const DOUBTFUL_HONORIFICS = words('don doña fr hr ing mag miss sig hon sr');

export const GENERATIONS = words('jr sr ii iii iv vi vii viii 2nd 3rd 4th');

/** Generations that are also given names: only in capitals. */
export const DOUBTFUL_GENERATIONS = words('iv vi');

/** Degrees and professional titles that no family is called. */
export const DEGREES = words(`
  phd dphil mba emba cpa esq esquire dds dmd dvm llm llb msc bsc meng beng pmp cfa cissp cism ccnp pharmd psyd edd mph mpa acca fcca
  frcs facs
`);

/** Degrees that are also names: only in capitals, and after a comma or with dots. */
export const DOUBTFUL_DEGREES = words('MA BA MS BS MD DO RN PA JD ED RPH OD PE CEng FRS CBE OBE MBE KC QC');

/** Doubtful degrees that no family writes in capitals behind two other words: `John Smith MD`. */
export const DEGREES_IN_CAPITALS = words('MD RN JD RPH MS BS PE CEng FRS CBE OBE MBE KC QC');

/** What people write behind a comma that is neither a name nor a degree: `Ann Lee, CEO`, `Ann Lee, Acme GmbH`. */
export const POSITIONS = words(`
  ceo cto cfo coo cio cmo cro ciso vp svp evp avp md director manager president founder cofounder co-founder owner partner chairman
  geschäftsführer geschäftsführerin inhaber inhaberin
`);
export const LEGAL_FORMS = words('inc llc llp ltd plc gmbh ag kg ohg ug corp co bv nv sa sas sarl srl spa ab as oy pty company');

/** What belongs to the family name that follows; in the middle of a name also with a capital. */
export const PARTICLES = words(`
  van von vom der den de del della dello delle degli di da das do dos du des la le las los lo ter ten te zu zur zum af av bin ibn bint
  abu st st. saint santa 't van't op in 's mac ap
`);

/** Particles that are also given names: only in lower case. */
export const LOWER_CASE_PARTICLES = words('al el ben bar san a in te do op ap mac');

/** Between two family names. */
export const CONNECTORS = words('y e i');

/** What follows the family name and belongs to it (Portuguese). */
export const FOLLOWERS = words('filho neto sobrinho júnior junior');

/**
 * The most frequent Spanish and Portuguese family names, without accents: before another one they are the first of two.
 */
export const FIRST_OF_TWO = words(`
  garcia gonzalez rodriguez fernandez lopez martinez sanchez perez gomez martin jimenez ruiz hernandez diaz moreno munoz alvarez romero
  alonso gutierrez navarro torres dominguez vazquez vasquez ramos gil ramirez serrano blanco molina morales suarez ortega delgado castro
  ortiz rubio marin sanz nunez iglesias medina garrido cortes castillo santos lozano guerrero cano prieto mendez cruz calvo gallego vidal
  herrera marquez pena flores cabrera campos vega fuentes carrasco diez caballero reyes nieto aguilar pascual santana herrero montero
  hidalgo gimenez ibanez ferrer duran benitez mora vargas arias carmona crespo roman pastor soto saez velasco moya soler parra bravo
  gallardo rojas salazar mendoza guzman contreras estrada ortuno espinoza espinosa valdez acosta rios silva cardenas
  pereira oliveira souza sousa costa ferreira almeida carvalho ribeiro gomes lopes martins fernandes rodrigues goncalves mendes pinto
  teixeira barbosa araujo cavalcanti nascimento moreira cardoso correia
`);
